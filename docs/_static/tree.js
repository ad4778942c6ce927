// Pointing at a system of the family tree, or reaching it by keyboard, shows its ancestors and descendants and dims the others.
(() => {
  const tree = document.querySelector("svg.tree"), nodes = [...tree.querySelectorAll("a")], edges = [...tree.querySelectorAll("path")];
  const parents = new Map(nodes.map(n => [n.id, n.dataset.parents.split(" ").filter(Boolean)])), children = new Map(nodes.map(n => [n.id, []]));
  for (const [id, above] of parents) for (const p of above) children.get(p).push(id);

  function reach(id, next, found = new Set()) {
    for (const other of next.get(id)) if (!found.has(other)) reach(other, next, found.add(other));
    return found;
  }
  function show(id) {
    const kin = new Set([id, ...reach(id, parents), ...reach(id, children)]);
    tree.classList.add("chosen");
    nodes.forEach(n => n.classList.toggle("kin", kin.has(n.id)));
    edges.forEach(p => p.classList.toggle("kin", kin.has(p.dataset.from) && kin.has(p.dataset.to)));
  }
  const named = nodes.find(n => n.id === location.hash.slice(1));        // the one that the address asks for stays chosen
  const clear = () => named ? show(named.id) : tree.classList.remove("chosen");
  nodes.forEach(n => {
    n.addEventListener("pointerenter", () => show(n.id));
    n.addEventListener("focus", () => show(n.id));
    n.addEventListener("pointerleave", clear);
    n.addEventListener("blur", clear);
  });
  if (named) { show(named.id); named.scrollIntoView({ block: "center", inline: "center" }); }
})();

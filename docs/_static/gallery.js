// Filter of the gallery: a card is shown if it has every word and agrees with every choice. The state is kept in the address.
(() => {
  const form = document.querySelector("form.filter"), said = form.querySelector("output");
  const cards = [...document.querySelectorAll(".gallery .system")];
  const texts = cards.map(card => (card.id + " " + card.textContent).toLowerCase());
  const choices = [...form.querySelectorAll("select")];

  function filter() {
    const words = form.q.value.toLowerCase().split(/\s+/);
    let shown = 0;
    cards.forEach((card, i) => {
      const fits = words.every(w => texts[i].includes(w)) && choices.every(c => !c.value || card.dataset[c.name].split(" ").includes(c.value));
      card.hidden = !fits;
      shown += fits;
    });
    said.textContent = `${shown} of ${cards.length}`;
  }
  function remember() {
    const state = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    try { history.replaceState(null, "", location.pathname + (state.size ? "?" + state : "") + location.hash); } catch { /* not for files */ }
  }
  for (const [name, value] of new URLSearchParams(location.search)) if (form.elements[name]) form.elements[name].value = value;
  form.addEventListener("input", () => { filter(); remember(); });
  form.addEventListener("reset", () => setTimeout(() => { filter(); remember(); }));
  form.addEventListener("submit", event => event.preventDefault());
  filter();
})();

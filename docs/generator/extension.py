"What Sphinx is taught: formulas as MathML, names in the text that lead to the reference, the side bar."
from __future__ import annotations
import hashlib, json, re
from pathlib import Path
from docutils import nodes
from latex2mathml.converter import convert
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

log = logging.getLogger(__name__)
SAME = {r"\\[lr]?Vert": r"\\|", r"\\[lr]vert": "|", r"\\arg": r"\\operatorname{arg}"}   # what the converter does not know

def mathml(latex: str, display: str = "inline") -> str:
    "A formula as MathML, which browsers draw and read out by themselves; the LaTeX stays with it."
    known = latex
    for old, new in SAME.items(): known = re.sub(old + r"(?![a-zA-Z])", new, known)
    out = convert(known, display=display).replace(">\\|<", ">‖<")
    if wrong := re.findall(r"\\[a-zA-Z]+", out): raise ValueError(f"{', '.join(wrong)} in {latex!r}")
    label = latex.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return out.replace("<math ", f'<math data-latex="{label}" ', 1)

def _visit(display: str):
    def visit(self, node):
        try: self.body.append(mathml(node.astext(), display) if display == "inline" else f'<div class="math">{mathml(node.astext(), display)}</div>')
        except Exception as e: log.warning("formula cannot be shown: %s", e, location=node)
        raise nodes.SkipNode
    return visit

class Names(SphinxPostTransform):
    "`nt_xent` in the text becomes a link to the reference if exactly one module exports that name."
    default_priority = 5                                                  # before references are resolved
    def run(self, **kwargs) -> None:
        if self.env.docname.startswith("api/"): return
        if not hasattr(self.app, "sslkit_names"): self.app.sslkit_names = names_of(self.env.domains["py"])
        names = self.app.sslkit_names
        for node in list(self.document.findall(nodes.literal)):
            full = names.get(node.astext().removesuffix("()"))
            a_word = node.astext().isalpha() and node.astext().islower()  # `runs` is a folder here and a function there
            if full is None or a_word and not full.startswith(f"sslkit.{self.env.docname.replace('/', '.')}.") or isinstance(node.parent, (nodes.reference, addnodes.pending_xref)) or any(isinstance(p, nodes.title) for p in _parents(node)): continue
            ref = addnodes.pending_xref("", refdomain="py", reftype="obj", reftarget=full, refexplicit=True, refwarn=False, refdoc=self.env.docname)
            node.replace_self(ref); ref += node

def names_of(domain: PythonDomain) -> dict[str, str]:
    "Short names -> full names, where there is one of that name: nt_xent, contrast.nt_xent, parts.contrast.nt_xent, sslkit.parts.contrast.nt_xent."
    found: dict[str, set[str]] = {}
    for full, entry in domain.objects.items():
        words = full.split(".")
        first = 1 if entry.objtype == "module" else len(words) - 1       # a module is called parts.ema, never ema
        for k in range(first + 1) if entry.objtype in ("module", "function", "class", "data") else (0,): found.setdefault(".".join(words[k:]), set()).add(full)
    return {short: next(iter(full)) for short, full in found.items() if len(full) == 1}

def _parents(node):
    while node := node.parent: yield node

def _nav(app: Sphinx) -> list[dict]: return json.loads((Path(app.srcdir) / "nav.json").read_text(encoding="utf-8"))

def side_bar(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    "The sections, and the pages of the one that this page is in."
    context["sections"] = [dict(s, open=pagename == s["doc"] and s["doc"] != "library" or any(p["doc"] == pagename for p in s["pages"])) for s in app.sslkit_nav]

def read_nav(app: Sphinx) -> None: app.sslkit_nav = _nav(app)

def outdated(app: Sphinx, env, added, changed, removed) -> list[str]:
    "Pages whose side bar has changed."
    now = {s["title"]: hashlib.sha256(json.dumps(s).encode()).hexdigest() for s in app.sslkit_nav}
    before, env.sslkit_nav = getattr(env, "sslkit_nav", {}), now
    return [p["doc"] for s in app.sslkit_nav if before.get(s["title"], now[s["title"]]) != now[s["title"]] for p in s["pages"] if p["doc"] in env.found_docs]

def setup(app: Sphinx) -> dict:
    app.add_config_value("generator", hashlib.sha256(Path(__file__).read_bytes()).hexdigest(), "env")        # every page is built anew when this file changes
    app.add_html_math_renderer("mathml", inline_renderers=(_visit("inline"), None), block_renderers=(_visit("block"), None))
    app.add_post_transform(Names)
    app.connect("builder-inited", read_nav)
    app.connect("env-get-outdated", outdated)
    app.connect("html-page-context", side_bar)
    return dict(version="1", parallel_read_safe=True, parallel_write_safe=True)

"A notebook as a page: nbdev's directives are obeyed, widgets become pictures, pictures get their words and become smaller."
from __future__ import annotations
import ast, base64, io, posixpath, re
from collections.abc import Callable, Mapping
from PIL import Image
from sslkit.tool.course import figure_words

WIDGET = "application/vnd.jupyter.widget-view+json"
SHOWN = ("text/html", "image/svg+xml", "image/png", "image/jpeg", "text/latex", "text/markdown", "text/plain")   # of each output the first that it has
SMALL = 40_000                                                            # bytes: a picture below stays as it is
STATIC = "<p class='static-widget'>In JupyterLab this is a widget; here it stands at its first setting.</p>"

# --- directives ---------------------------------------------------------------------------------------------------------------------------

def directives(source: str) -> tuple[dict[str, str], str]:
    "What the `#|` lines above a cell's code say, and the cell without them."
    found, lines = {}, source.splitlines(keepends=True)
    while lines and (said := re.match(r"\s*#\|\s*([\w-]+)\s*:?\s*(.*?)\s*$", lines[0])):
        found[said[1].replace("-", "_")] = said[2].lower()
        lines.pop(0)
    return found, "".join(lines).strip("\n")

def hidden(said: Mapping[str, str]) -> bool:
    "Whether a cell is not shown at all."
    return "default_exp" in said or "hide" in said or said.get("include") == "false"

def about(said: Mapping[str, str], source: str, alt: str) -> dict:
    "What MyST-NB is told about a code cell, and the words for its picture."
    tags, prompt = ["exported"] if {"export", "exporti", "exports"} & said.keys() else [], "Show the code"
    if "hide_input" in said or "hide_code" in said or said.get("echo") == "false" or source == "paper": tags.append("remove-input")
    elif "code_fold" in said: tags.append("hide-input")
    elif is_card(source): tags, prompt = [*tags, "hide-input"], "The card as code"
    elif only_imports(source): tags, prompt = [*tags, "hide-input"], "Imports"
    if "hide_output" in said or said.get("output") == "false": tags.append("remove-output")
    return dict(tags=tags, mystnb=dict(image=dict(alt=alt), code_prompt_show=prompt, code_prompt_hide=prompt))

def folded(cell: Mapping) -> bool: return cell["cell_type"] == "code" and "hide-input" in cell["metadata"]["tags"] and not cell["outputs"]

def _body(source: str) -> list[ast.stmt]:
    try: return ast.parse(source).body
    except SyntaxError: return []                                         # a cell with a magic command

def only_imports(source: str) -> bool: return bool(body := _body(source)) and all(isinstance(s, (ast.Import, ast.ImportFrom)) for s in body)

def is_card(source: str) -> bool: return source.startswith("paper = Paper(")

# --- outputs --------------------------------------------------------------------------------------------------------------------------------

def smaller(png: str) -> tuple[str, str]:
    "A picture (base64) as a mime type and base64: 256 colours, or JPEG for what looks like photographs, where that is smaller."
    raw = base64.b64decode(png)
    if len(raw) <= SMALL: return "image/png", png
    picture = Image.open(io.BytesIO(raw))
    if picture.mode not in ("RGB", "RGBA"): picture = picture.convert("RGBA")
    flat = Image.new("RGB", picture.size, "white")
    flat.paste(picture, mask=picture.getchannel("A") if picture.mode == "RGBA" else None)
    def coded(im, **options):
        buffer = io.BytesIO(); im.save(buffer, **options)
        return buffer.getvalue()
    few = coded(flat.quantize(256, dither=Image.Dither.NONE), format="PNG", optimize=True)
    photo = coded(flat, format="JPEG", quality=88)
    mime, best = ("image/jpeg", photo) if len(photo) < 0.7 * len(few) else ("image/png", few)
    return (mime, base64.b64encode(best).decode()) if len(best) < len(raw) else ("image/png", png)

def text(x) -> str: return x if isinstance(x, str) else "".join(x)

def outputs(cell: Mapping) -> list[dict]:
    "What is shown below a code cell: of each output one representation; of a widget its first picture, or the table or picture that it brings for pages."
    found, widget = [], any(WIDGET in o.get("data", {}) for o in cell.get("outputs", ()))
    for o in cell.get("outputs", ()):
        if "data" not in o: found.append(dict(o)); continue
        mime = next((m for m in SHOWN if m in o["data"]), None)
        if mime is None or widget and mime == "text/plain": continue
        value = text(o["data"][mime])
        if mime == "text/plain" and re.fullmatch(r"PosixPath\(.*\)|WindowsPath\(.*\)|None", value): continue      # what save_figure returns
        width = o.get("metadata", {}).get(mime, {}).get("width") if isinstance(o.get("metadata", {}).get(mime), dict) else None      # of a picture with two pixels for one
        if mime == "image/png": mime, value = smaller(value.replace("\n", ""))
        if mime == "text/html": value = clean_html(value)
        found.append(dict(o, data={mime: value}, metadata={mime: dict(width=width)} if width else {}))
    if widget: found.append(dict(output_type="display_data", data={"text/html": STATIC}, metadata={}))
    return found

def clean_html(value: str) -> str:
    "HTML of an output whose pictures all have an alt text, whose blank lines do not end it, and whose links lead to pages instead of notebooks."
    value = re.sub(r"""(href=["']?(?!\w+:)[^"'\s>]+)\.ipynb""", r"\1.html", value)
    return re.sub(r"\n\s*\n", "\n", re.sub(r"<img(?![^>]*\balt=)", '<img alt=""', value))

def docstrings(cells) -> dict[str, str]:
    "First lines of the documentation of the functions that a notebook defines."
    found = {}
    for cell in cells:
        for node in _body(directives(text(cell["source"]))[1]) if cell["cell_type"] == "code" else ():
            if isinstance(node, ast.FunctionDef) and (doc := ast.get_docstring(node)): found[node.name] = doc.splitlines()[0]
    return found

# --- pages ----------------------------------------------------------------------------------------------------------------------------------

def raw_html(body: str) -> str:
    "HTML in a Markdown page."
    return f"`````{{raw}} html\n{body}\n`````"

def links(source: str, resolve: Callable[[str], str]) -> str:
    "Markdown with every relative link replaced by what `resolve` says; code is left alone."
    parts = re.split(r"(```.*?```|`[^`\n]*`)", source, flags=re.S)
    return "".join(p if i % 2 else re.sub(r"(?<=\]\()(?!\w+:|#)[^)\s]+", lambda m: resolve(m[0]), p) for i, p in enumerate(parts))

def page(nb: Mapping, folder: str,                     # of the page, as in nbs
         elsewhere: Callable[[str], str],              # where a file outside the site is found: its path in nbs -> address
         known: set[str],                              # paths in nbs that are part of the site
         head: str = "", tail: str = "",               # Markdown behind the title, and at the end
        ) -> dict:
    "The notebook as MyST-NB shall read it."
    def resolve(link):
        path = posixpath.normpath(posixpath.join(folder, link.partition("#")[0]))
        return link if path in known else elsewhere(path)
    cells, heading, figures, opened = [], "", docstrings(nb["cells"]), not head
    def markdown(source): cells.append(dict(cell_type="markdown", id=f"cell-{len(cells)}", metadata={}, source=source))
    for cell in nb["cells"]:
        source = text(cell["source"])
        if cell["cell_type"] == "markdown":
            if re.match(r"#\|\s*hide", source): continue
            if at := re.findall(r"^#{1,4} (.+)$", re.sub(r"```.*?```", "", source, flags=re.S), re.M): heading = at[-1].replace("`", "")
            markdown(links(source, resolve))
            if not opened: opened = True; markdown(head)
        elif cell["cell_type"] == "code":
            said, code = directives(source)
            if hidden(said): continue
            shown = outputs(cell)
            if not code and not shown: continue
            made = dict(cell_type="code", id=f"cell-{len(cells)}", metadata=about(said, code, figures["figure"] if "result.figure(" in code and "figure" in figures else figure_words(code, heading)), source=code, outputs=shown, execution_count=None)
            if cells and folded(made) and folded(cells[-1]):              # one line instead of two
                made = dict(made, id=cells[-1]["id"], source=f"{cells[-1]['source']}\n\n{code}")
                cells.pop()
            cells.append(made)
    if tail: markdown(tail)
    kernel = dict(display_name="Python 3", language="python", name="python3")
    return dict(cells=cells, metadata=dict(kernelspec=kernel, language_info=dict(name="python")), nbformat=4, nbformat_minor=5)

def title_of(nb: Mapping) -> tuple[str, str]:
    "The heading of a notebook and the line below it."
    first = next((text(c["source"]) for c in nb["cells"] if c["cell_type"] == "markdown"), "")
    title, line = re.search(r"^# (.+)$", first, re.M), re.search(r"^> (.+)$", first, re.M)
    return (title[1].strip() if title else ""), (line[1].strip() if line else "")

def teaching_picture(nb: Mapping) -> bytes | None:
    "The picture that the notebook saves beside itself, from its executed copy: as pixels, where the saved one may be a drawing."
    for cell in reversed(nb["cells"]):
        if cell["cell_type"] == "code" and "save_figure(" in text(cell["source"]):
            for o in cell.get("outputs", ()):
                if "image/png" in o.get("data", {}): return base64.b64decode(text(o["data"]["image/png"]))
    return None

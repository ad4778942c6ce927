"""The reference of the modules: every exported function and class with its docments, read from the source without importing it.

A docment is the comment beside a parameter, a field or the arrow of what is returned."""
from __future__ import annotations
import ast, io, re, tokenize
from dataclasses import dataclass, field
from pathlib import Path

@dataclass
class Parameter:
    name: str
    type: str = ""
    default: str = ""
    words: str = ""

@dataclass
class Entry:
    "A function, class, method, property or constant."
    name: str
    kind: str                                          # function, class, method, property, data
    line: int
    signature: str = ""
    words: str = ""                                    # the docstring
    parameters: list[Parameter] = field(default_factory=list)
    returns: Parameter | None = None
    members: list[Entry] = field(default_factory=list)

def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ").strip() for t in tokens if t.type == tokenize.COMMENT}

def _text(node: ast.AST | None) -> str: return "" if node is None else ast.unparse(node)

def _parameters(fn: ast.FunctionDef, comments: dict[int, str], skip_first: bool) -> tuple[list[Parameter], Parameter | None]:
    "Parameters and what is returned; a comment belongs to the last parameter on its line."
    a, body = fn.args, fn.body[0].lineno
    positional = [*a.posonlyargs, *a.args]
    defaults = [*[None] * (len(positional) - len(a.defaults)), *a.defaults]
    rows = [(p, p.arg, d) for p, d in zip(positional, defaults)][skip_first:]
    if a.vararg: rows.append((a.vararg, f"*{a.vararg.arg}", None))
    rows += [(p, p.arg, d) for p, d in zip(a.kwonlyargs, a.kw_defaults)]
    if a.kwarg: rows.append((a.kwarg, f"**{a.kwarg.arg}", None))
    ends = [max(p.end_lineno, d.end_lineno if d else 0) for p, _, d in rows]
    last = {line: i for i, line in enumerate(ends)}
    words = lambda i, line: comments.get(line, "") if last[line] == i and line < body and line != _line(fn.returns) else ""
    found = [Parameter(name, _text(p.annotation), _text(d), words(i, ends[i])) for i, (p, name, d) in enumerate(rows)]
    said = comments.get(_line(fn.returns), "") if _line(fn.returns) < body else ""
    return found, Parameter("returns", _text(fn.returns), "", said) if fn.returns is not None and _text(fn.returns) != "None" else None

def _line(node: ast.AST | None) -> int: return node.end_lineno if node is not None else 0

def _function(fn: ast.FunctionDef, comments: dict[int, str], kind: str = "function") -> Entry:
    decorators = {_text(d).rpartition(".")[2] for d in fn.decorator_list}
    if kind == "method" and decorators & {"property", "cached_property"}: kind = "property"
    rows, returns = _parameters(fn, comments, kind in ("method", "property") and "staticmethod" not in decorators)
    args = ast.unparse(fn.args)
    if kind == "method" and "staticmethod" not in decorators: args = re.sub(r"^\w+(, |$)", "", args)
    signature = "" if kind == "property" else f"({args})" + (f" -> {_text(fn.returns)}" if fn.returns is not None else "")
    return Entry(fn.name, kind, fn.lineno, signature, ast.get_docstring(fn) or "", rows, returns)

def _class(node: ast.ClassDef, comments: dict[int, str]) -> Entry:
    out = Entry(node.name, "class", node.lineno, "", ast.get_docstring(node) or "")
    fields = [Parameter(s.target.id, _text(s.annotation), _text(s.value), comments.get(s.end_lineno, "")) for s in node.body if isinstance(s, ast.AnnAssign) and s.target.id[0] != "_"]
    out.parameters = fields
    for s in node.body:
        if not isinstance(s, ast.FunctionDef): continue
        if s.name == "__init__":
            made = _function(s, comments, "method")
            out.parameters, out.signature = made.parameters, made.signature.partition(" -> ")[0]
        elif s.name[0] != "_": out.members.append(_function(s, comments, "method"))
    bases = [b for b in map(_text, node.bases) if b not in ("object", "Exception") and b[0] != "_"]
    if bases: out.words = f"{out.words}\n\nBuilt on {', '.join(f'`{b}`' for b in bases)}.".strip()
    return out

def _names(statement: ast.stmt) -> list[str]:
    "What a statement defines or assigns."
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)): return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target] if isinstance(statement, ast.AnnAssign) else []
    return [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]

def _value(statement: ast.Assign | ast.AnnAssign, name: str) -> str:
    "The text of what is assigned to a name, also in `A, B = 1, 2`."
    target, value = getattr(statement, "targets", [None])[0], statement.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple): return next(_text(v) for t, v in zip(target.elts, value.elts) if _text(t) == name)
    return _text(value)

def read(path: Path) -> list[Entry]:
    "What a module exports, in the order in which it is written."
    source = path.read_text(encoding="utf-8")
    tree, comments = ast.parse(source), _comments(source)
    exported = next((ast.literal_eval(s.value) for s in tree.body if isinstance(s, ast.Assign) and [_text(t) for t in s.targets] == ["__all__"]), [])
    found: dict[str, Entry] = {}
    def visit(body):
        for s in body:
            if isinstance(s, (ast.If, ast.Try)): visit([*s.body, *s.orelse])                   # another definition for another system
            for name in [n for n in _names(s) if n in exported and n not in found]:
                if isinstance(s, ast.FunctionDef): found[name] = _function(s, comments)
                elif isinstance(s, ast.ClassDef): found[name] = _class(s, comments)
                else: found[name] = Entry(name, "data", s.lineno, "", comments.get(s.end_lineno, ""), [Parameter(name, default=_value(s, name))])
    visit(tree.body)
    return list(found.values())

# --- as MyST --------------------------------------------------------------------------------------------------------------------------------

def _cell(text: str) -> str: return " ".join(text.split()).replace("|", "\\|")

def _code(text: str, longest: int = 70) -> str:
    text = " ".join(text.split())
    return f"`{_cell(text if len(text) <= longest else text[:longest - 1] + '…')}`" if text and "`" not in text else ""

def _prose(text: str) -> str:
    "A docstring as Markdown in which < is a sign and nothing else."
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(p if i % 2 else re.sub(r"([<*\[\]])", r"\\\1", p) for i, p in enumerate(parts))

def _table(entry: Entry) -> str:
    "Parameters and what is returned, with types and defaults; a last column where something is said about any of them."
    rows = [*entry.parameters, *([entry.returns] if entry.returns else [])]
    if not any(p.words or p.type or p.default for p in rows): return ""
    said = any(p.words for p in rows)
    out = ["| | type | default |" + " |" * said, "|---|---|---|" + "---|" * said]
    return "\n".join(out + [f"| {'**returns**' if p is entry.returns else f'`{p.name}`'} | {_code(p.type)} | {_code(p.default, 40)} |" + f" {_cell(_prose(p.words))} |" * said for p in rows])

def markdown(entry: Entry, module: str, source: str) -> str:
    "An entry as a directive of the Python domain."
    def one(e: Entry, ticks: int, owner: str = "") -> str:
        name = f"{owner}{e.name}"
        parts = [_prose(e.words)]
        if e.kind == "data": parts.append(_code(e.parameters[0].default, 160))
        elif e.kind != "property": parts.append(_table(e))
        parts += [one(m, ticks - 1, f"{name}.") for m in e.members if m.words or m.parameters or m.returns]
        if not owner: parts.append(f"[source]({source}#L{e.line})")
        body = "\n\n".join(filter(None, parts))
        return f"{'`' * ticks}{{py:{e.kind}}} {name}{e.signature}\n:module: {module}\n\n{body}\n{'`' * ticks}"
    return one(entry, 5)

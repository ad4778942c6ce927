"""Builds the documentation site into docs/_site/html: `make docs`, or anywhere `python docs/build.py`.

Asks nobody: notebooks are not executed (their executed copies, which the tests leave in docs/_executed, are shown), nothing is fetched."""
from __future__ import annotations
import argparse, os, sys, time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", default="2", help="processes that read and write pages")
    parser.add_argument("--lab", default=os.environ.get("SSLKIT_LAB"), help="address of a JupyterLab or JupyterHub whose root is the repository (or set SSLKIT_LAB)")
    parser.add_argument("--repository", default=os.environ.get("SSLKIT_REPOSITORY"), help="address of the repository, for Colab, Binder and sources (default: of settings.ini)")
    asked = parser.parse_args()
    try: from sphinx.cmd.build import main as sphinx
    except ImportError: return print('docs: Sphinx is missing; install what the site needs with: python -m pip install -e ".[docs]"', file=sys.stderr) or 1
    from dataclasses import replace
    from generator.site import Site
    start, out = time.time(), HERE / "_site"
    site = Site(HERE.parent, out)
    site.addresses = replace(site.at, **{k: v for k, v in (("lab", asked.lab), ("repository", asked.repository)) if v})
    site = Site(HERE.parent, out, site.papers, site.entries, site.addresses)
    missing = site.generate()
    print(f"sources: {time.time() - start:.1f} s, {len(site.notebooks)} notebooks")
    if missing: print(f"not executed since their code was changed (make test does), so that outputs are missing: {', '.join(missing)}")
    for page in (out / "html").rglob("*.html"):                           # of notebooks that are gone
        source = out / "source" / page.relative_to(out / "html")
        if page.relative_to(out / "html").parts[0][0] != "_" and page.name not in ("genindex.html", "py-modindex.html", "search.html") and not any(source.with_suffix(s).exists() for s in (".md", ".ipynb")): page.unlink()
    return sphinx(["-W", "--keep-going", "-q", "-j", asked.jobs, "-c", str(HERE), "-d", str(out / "doctrees"), str(out / "source"), str(out / "html")]) or print(f"docs/_site/html/index.html: {time.time() - start:.1f} s") or 0

if __name__ == "__main__": sys.exit(main())

"How long the documentation site takes with 300 rooms: from nothing, with nothing changed, with one room changed."
import shutil, sys, tempfile, time
from pathlib import Path
sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "docs"), str(Path(__file__).parents[2])]
from generator.site import Site
from project import ROOT
from synthetic_rooms import checkout, entries, papers

try: from sphinx.cmd.build import main as sphinx
except ImportError: print("bench_docs: Sphinx is missing; install what the site needs with: python -m pip install -e \".[docs]\""); sys.exit()

def build(folder: Path, cards, rows) -> float:
    start, out = time.time(), folder / "docs/_site"
    Site(folder, out, cards, rows).generate()
    if sphinx(["-W", "-q", "-j", "2", "-c", str(folder / "docs"), "-d", str(out / "doctrees"), str(out / "source"), str(out / "html")]): sys.exit("the build failed")
    return time.time() - start

n = int(sys.argv[1]) if len(sys.argv) > 1 else 300
cards = papers(n)
rows = entries(cards)
with tempfile.TemporaryDirectory() as d:
    folder = checkout(Path(d), cards)
    for name in ("conf.py", "generator", "_static", "_templates"): (shutil.copytree if (ROOT / "docs" / name).is_dir() else shutil.copy)(ROOT / "docs" / name, folder / "docs" / name)
    print(f"{n} rooms, from nothing: {build(folder, cards, rows):.0f} s")
    print(f"nothing changed: {build(folder, cards, rows):.1f} s")
    copy = folder / f"docs/_executed/{cards[0].chapter}/{cards[0].id}.ipynb"
    copy.write_text(copy.read_text().replace("The line below the title.", "Another line."))
    nb = folder / cards[0].notebook
    nb.write_text(nb.read_text().replace("The line below the title.", "Another line."))
    print(f"one room changed: {build(folder, cards, rows):.1f} s")
    html = folder / "docs/_site/html"
    size = lambda *files: sum(f.stat().st_size for f in files) / 1e6
    print(f"gallery: {size(html / 'gallery.html', *(html / 'thumbs').iterdir()):.2f} MB with {len(list((html / 'thumbs').iterdir()))} pictures; scoreboard {size(html / 'scoreboard.html'):.2f} MB; "
          f"largest room {max(size(html / p.chapter / f'{p.id}.html') for p in cards):.2f} MB without pictures; search index {size(html / 'searchindex.js'):.2f} MB; all {size(*(f for f in html.rglob('*') if f.is_file())):.0f} MB")

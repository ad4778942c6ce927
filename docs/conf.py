"Sphinx settings; the sources are written by the package `generator` (see build.py)."
import sys
from configparser import ConfigParser
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
ini = ConfigParser(delimiters=["="]); ini.read(HERE.parent / "settings.ini", encoding="utf-8")
cfg = ini["DEFAULT"]

project, author, copyright, version = cfg["title"], cfg["author"], cfg["copyright"], cfg["version"]
extensions = ["myst_nb", "sphinx_design", "generator.extension"]
language = "en"

nb_execution_mode = "off"                                                 # the tests have executed the notebooks
nb_ipywidgets_js = {}                                                     # widgets are pictures here: no script is fetched
nb_merge_streams = True
nb_code_prompt_show, nb_code_prompt_hide = "Show the code", "Hide the code"
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header", "ref.python"]                         # a notebook may go from ## to ####; two modules may each have a Classifier

templates_path = ["_templates"]
html_theme, html_title = "pydata_sphinx_theme", cfg["title"]
html_static_path = ["_static", "_site/source/_assets"]
html_extra_path = ["_site/extra"]
html_favicon = "_static/favicon.svg"
html_css_files = ["site.css", "board.css"]
html_math_renderer = "mathml"                                             # no script, no fonts
html_sidebars = {"**": ["side-bar"], **{page: [] for page in ("index", "gallery", "history", "scoreboard", "search", "genindex")}}
html_show_sourcelink, html_copy_source = False, False
html_show_sphinx = False
pygments_style = "default"
html_theme_options = dict(
    logo=dict(text=cfg["title"]), header_links_before_dropdown=8, navbar_align="left", navbar_end=["theme-switcher", "navbar-icon-links"],
    icon_links=[dict(name="Repository", url=cfg["git_url"], icon="fa-brands fa-github")], secondary_sidebar_items=["page-toc"],
    footer_start=["copyright"], footer_center=[], footer_end=[], show_toc_level=2, pygments_light_style="a11y-high-contrast-light", pygments_dark_style="a11y-high-contrast-dark",
    back_to_top_button=False)
html_context = dict(default_mode="auto")

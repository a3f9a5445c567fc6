"""Settings of the site, ``sphinx-build -W --keep-going docs site``. Nothing is fetched, then or later."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

from fxdet._version import __version__  # noqa: E402  (a checkout that is not installed works, too)

project = "fxdet"
author = "the authors of fxdet"
project_copyright = "the authors of fxdet; AGPL-3.0"
version = release = __version__
language = "en"
smartquotes = False  # an option is --this, not –this

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "mathml",
    "public_names",
    "root_pages",
    "short_types",
    "sortable_tables",
]
exclude_patterns = ["_ext", "_static", "results"]
suppress_warnings = ["config.cache"]

# Pages are Markdown that reads well on a code host, too: $formulas$, and headings with the host's anchors.
myst_enable_extensions = ["dollarmath", "colon_fence", "attrs_block"]
myst_heading_anchors = 4
myst_url_schemes = ("http", "https", "mailto")

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autoclass_content = "class"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False  # the signature states them
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
add_module_names = False

# Every name of fxdet that a page refers to exists. Types of other packages can't be looked up without a network, and
# internal ones have no page.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!fxdet\.).*"), ("py:(class|data|mod|obj)", r"fxdet\..*")]

html_theme = "furo"
html_title = "fxdet"
html_logo = "_static/logo.svg"
html_favicon = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("sort_tables.js", {"defer": "defer"})]
html_copy_source = False
html_show_sourcelink = False
html_use_index = False
html_domain_indices = False
html_theme_options = {
    "announcement": "Research use only – no diagnosis.",
    "sidebar_hide_name": False,
    "light_css_variables": {"color-brand-primary": "#0b5c7a", "color-brand-content": "#0b5c7a"},
    "dark_css_variables": {"color-brand-primary": "#7cc7e8", "color-brand-content": "#7cc7e8"},
}
pygments_style = "friendly"
pygments_dark_style = "github-dark"

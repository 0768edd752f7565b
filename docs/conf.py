"""Settings of Sphinx. `python3 dev.py docs` builds the pages into build/docs; a warning is an error."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import auditor  # noqa: E402
from docs._ext.reference import write_pages  # noqa: E402

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "wheel-audit"
author = "The wheel-audit maintainers"
project_copyright = "the wheel-audit maintainers, MIT licence"
version = release = auditor.__version__
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]
myst_heading_anchors = 3
nitpicky = True
# Pages on types of other libraries would have to be fetched, and inner types have none. Public names are checked.
_PUBLIC = "|".join(auditor.__all__)
nitpick_ignore_regex = [("py:.*", rf"(?!(auditor\.)?(\w+\.)*({_PUBLIC})$).*")]
suppress_warnings = ["myst.header"]
# The generated pages show text as the command prints it: no typographic quotes, and `--option` stays as it is.
smartquotes = False

# A single back-quote is code, in docstrings as in Markdown.
default_role = "code"
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = "wheel-audit"
html_static_path = ["_static"]
html_css_files = ["wheel-audit.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1f5fa8", "color-brand-content": "#1f5fa8"},
    "dark_css_variables": {"color-brand-primary": "#8ab8f0", "color-brand-content": "#8ab8f0"},
}


def setup(app: Sphinx) -> None:
    """Write the pages that come from the program itself, before Sphinx looks for pages."""
    write_pages(Path(app.srcdir) / "reference")

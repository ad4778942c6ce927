"""The sources of the documentation site, computed from cards, ledger and executed notebooks.

Nothing here runs a notebook or imports a room. `site.generate` writes what Sphinx reads; a file is touched only if its content differs, so
that Sphinx rebuilds a page only when its notebook, card or evidence has changed."""

"""Pictures of the gallery: every figure whose axes a script holds, since the package's plots never touch pyplot."""

from __future__ import annotations

from sphinx_gallery.scrapers import figure_rst


def own_figures(block, block_vars, gallery_conf):
    """Save the figures of all axes in the script's namespace that have not been shown yet."""
    from matplotlib.axes import Axes

    shown = block_vars["example_globals"].setdefault("_shown", [])
    files = []
    for value in list(block_vars["example_globals"].values()):
        if not isinstance(value, Axes):
            continue
        figure = value.get_figure(root=True)
        if figure in shown:
            continue
        shown.append(figure)
        file = next(block_vars["image_path_iterator"])
        figure.savefig(file, dpi=150)
        files.append(file)
    return figure_rst(files, gallery_conf["src_dir"])

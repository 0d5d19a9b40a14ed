"""How figures are finished and written."""

import io

from mtlzoo import files


def saved(figure, path):
    """Returns a figure that can be drawn without pyplot, after writing it to a PNG file if there is a path for one."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    if path is not None:
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=150)
        files.write(path, picture.getvalue())
    return figure

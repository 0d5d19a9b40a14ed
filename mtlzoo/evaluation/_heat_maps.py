"""Heat maps with numbers in their cells."""

import numpy as np

_NUMBERED = 120  # With more entries numbers would not fit into their cells.
# So many rows or columns have a name each; of more, every second or third.
_LABELLED = 24


def side(count):
    """Length of a side of a heat map in inches."""
    return min(max(0.62 * count, 1.5), 7.0)


def draw(figure, axis, values, rows, columns, *, title, across, down, top=None):
    """Draws a matrix; blue is positive, also where there are negative values, so that panels can be compared.

    Args:
        figure: the figure.
        axis: the axis to draw on.
        values: [rows, columns]; NaN cells are grey.
        rows: names of the rows.
        columns: names of the columns.
        title: title of the axis.
        across: what columns are.
        down: what rows are.
        top: size of the values that have the darkest colour, or None for the largest.
    """
    values = np.asarray(values, "float64")
    top = top or float(np.nanmax(np.abs(values))) or 1.0
    signed = bool(np.nanmin(values) < 0)
    aspect = "auto" if len(columns) > 4 * len(rows) or len(rows) > 4 * len(columns) else "equal"
    axis.set_facecolor("#e4e4e4")
    image = axis.imshow(values, cmap="RdBu" if signed else "Blues", vmin=-top if signed else 0, vmax=top, aspect=aspect)
    numbered = values.size <= _NUMBERED and max(values.shape) <= _LABELLED
    for place, value in np.ndenumerate(values) if numbered else ():
        if np.isfinite(value):
            colour = "white" if abs(value) > 0.6 * top else "black"
            text = f"{round(value, 2) + 0.0:.2f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.2f}"
            axis.text(place[1], place[0], text, ha="center", va="center", fontsize=8, color=colour)
    small = 8 if max(values.shape) <= 16 else 6
    slanted = sum(len(label) for label in columns) > 8 * len(columns) or max(len(label) for label in columns) > 10 or len(columns) > 6
    wide, high = (range(0, count, -(-count // _LABELLED)) for count in (len(columns), len(rows)))
    turned = {"rotation": 45, "ha": "right"} if slanted else {}
    axis.set_xticks(wide, [columns[place] for place in wide], fontsize=small, **turned)
    axis.set_yticks(high, [rows[place] for place in high], fontsize=small)
    axis.set_title(title, fontsize=11)
    axis.set_xlabel(across, fontsize=9)
    axis.set_ylabel(down, fontsize=9)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    if not numbered:
        figure.colorbar(image, ax=axis, shrink=0.8).ax.tick_params(labelsize=7)

"""A trunk for tables: embeddings of categories beside numbers, then dense layers."""

from collections.abc import Sequence

from keras import layers

from mtlzoo import checks
from mtlzoo.layers import TableEmbedding
from mtlzoo.trunks._dense import dense_stages
from mtlzoo.trunks._registry import TRUNKS
from mtlzoo.trunks._trunk import Trunk


@TRUNKS.register
def tabular(
    sizes: Sequence[int] = (),
    *,
    embedding: int | Sequence[int] = 8,
    units: Sequence[int] = (64, 64),
    activation: str = "relu",
    batch_norm: bool = False,
    dropout: float = 0.0,
    embedding_dropout: float = 0.0,
    regularizer=None,
) -> Trunk:
    """A trunk for tables: one look-up embeds all category columns, numbers stand beside them, dense layers follow.

    It reads what `mtlzoo.data.from_table` gives: a dict of "categories", ids [batch, columns], and "numbers", normalised
    [batch, numbers], or of one of them. The first stage, `embed`, is the stem that all experts of `mmoe` and the like share and
    that their gates read. The encoder that turned the table into ids and numbers, built on `keras.utils.FeatureSpace`, goes with
    the model through `mtlzoo.export.export_saved_model(model, path, encoder=…)`, so that the SavedModel takes raw columns.

    With C columns of S_c ids, width W and N numbers, `embed` has W·Σ S_c parameters and gives C·W + N features.

    Args:
        sizes: the number of ids of each category column, `encoder.sizes`; empty for a table of numbers alone.
        embedding: width of the embeddings, or one width a column; all columns of one width lie in one table.
        units: widths of the dense stages.
        activation: Keras activation after each dense layer.
        batch_norm: whether each dense layer is followed by batch normalisation (momentum 0.9).
        dropout: share of features dropped after each dense stage, in training.
        embedding_dropout: share of the features of `embed` dropped, in training.
        regularizer: None or a Keras regularizer of the embeddings, such as "l2".

    Returns:
        A `Trunk` from such dicts to vectors [batch, units[-1]], float32.

    Raises:
        ValueError, TypeError: an argument is out of bounds.

    Source: the shared embedding layer of Ma et al., KDD 2018; the split between encoder and network is ours.

    >>> trunk = tabular(sizes=(3, 5), embedding=4, units=(32, 16))
    >>> trunk.names
    ('embed', 'dense1', 'dense2')
    """
    units = checks.widths("units", units)
    for name, share in (("dropout", dropout), ("embedding_dropout", embedding_dropout)):
        checks.number(name, share, low=0, high=0.99)
    if not units:
        raise ValueError("`units` must name at least one stage; received none.")
    embed = [TableEmbedding(sizes, embedding, embeddings_regularizer=regularizer)]
    embed += [layers.Dropout(embedding_dropout)] if embedding_dropout else []
    return Trunk({"embed": embed, **dense_stages(units, activation, batch_norm, dropout)})

"""The states of dropout and other random layers, which Keras does not save: a resumed run must draw on."""

import keras


class RandomState(keras.layers.Layer):
    """Saves and loads the states of a model's seed generators.

    Args:
        model: a built functional model.
    """

    def __init__(self, model):
        super().__init__(name="random_state", trainable=False)
        weights = {id(weight) for weight in model.non_trainable_weights}
        # A tuple in a plain attribute: the variables belong to their layers.
        object.__setattr__(self, "_states", tuple(v for v in model.non_trainable_variables if id(v) not in weights))
        self.built = True

    def save_own_variables(self, store):
        """Writes the states, numbered in the order of the layers."""
        for index, state in enumerate(self._states):
            store[str(index)] = keras.ops.convert_to_numpy(state)

    def load_own_variables(self, store):
        """Reads the states; a file without them leaves them as they are."""
        for index, state in enumerate(self._states):
            if str(index) in store:
                state.assign(store[str(index)])

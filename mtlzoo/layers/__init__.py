"""Layers that architectures are made of."""

from mtlzoo.layers.rotation import Rotation as Rotation

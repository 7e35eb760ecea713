"""Decorators that mean something to a plugin's loader and nothing inside a script."""


def operation(function=None, **_options):
    if function is None:
        return lambda one: one
    return function

"""Decorators that mean something to a plugin's loader and nothing inside a script."""


def operation(function=None, **_options):
    if function is None:
        return lambda one: one
    return function


def workflow(function=None, system_wide=False, resumable=False, **_options):
    """`resumable`: it may be run again from its beginning; what it had done by then is not done again."""
    if function is None:
        return lambda one: workflow(one, system_wide=system_wide, resumable=resumable)
    function.resumable = resumable
    return function

from setuptools import setup

setup(
    name='orrery-flows-plugin',
    version='1.0',
    packages=['flows'],
    install_requires=['cloudify-common'],
)

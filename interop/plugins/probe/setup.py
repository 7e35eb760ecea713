from setuptools import setup

setup(name='orrery-probe-plugin', version='1.0', packages=['probe'], install_requires=['cloudify-common'])

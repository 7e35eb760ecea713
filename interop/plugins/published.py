"""Wagons, made by the published tool, and blueprints that use them."""
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

BIN = os.path.dirname(sys.executable)
COMMON = 'cloudify-common==7.0.5'


def command(*words, **arguments):
    env = {**os.environ, 'PATH': BIN + os.pathsep + os.environ['PATH']}
    done = subprocess.run(words, env=env, text=True, capture_output=True, **arguments)
    if done.returncode != 0:
        raise RuntimeError('{}\n{}{}'.format(' '.join(words), done.stdout, done.stderr))
    return done.stdout


def wagon(source, folder, *options):
    """A wagon of the package in `source`, with all that it needs. Asks the package index that pip is set up for."""
    out = tempfile.mkdtemp(dir=folder)
    # Building leaves things beside the source.
    copy = shutil.copytree(source, os.path.join(tempfile.mkdtemp(dir=folder), 'source'))
    command(os.path.join(BIN, 'wagon'), 'create', copy, '--output-directory', out, *options)
    return os.path.join(out, os.listdir(out)[0])


def published_source(requirement, folder):
    """The published source of a package, unpacked."""
    out = tempfile.mkdtemp(dir=folder)
    name = requirement.split('==')[0]
    command(sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps', '--no-binary', name, '--dest', out,
            '--no-build-isolation', requirement)
    with tarfile.open(os.path.join(out, os.listdir(out)[0])) as packed:
        packed.extractall(out)
    return next(path for path in (os.path.join(out, one) for one in os.listdir(out)) if os.path.isdir(path))


def bundle(wagon_path, yaml, folder):
    """Wagon and YAML in one archive, as the command line uploads them."""
    path = os.path.join(tempfile.mkdtemp(dir=folder), 'plugin.zip')
    with zipfile.ZipFile(path, 'w') as packed:
        packed.write(wagon_path, os.path.basename(wagon_path))
        packed.writestr('plugin.yaml', yaml)
    return path


def blueprint(folder, files):
    """A folder of files; the path of its `blueprint.yaml`."""
    top = tempfile.mkdtemp(dir=folder)
    for name, text in files.items():
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w') as file:
            file.write(text)
    return os.path.join(top, 'blueprint.yaml')

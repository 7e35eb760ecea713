"""Programs in Go, where there is a toolchain: on the path (as Debian's golang-go puts it) or where Go's own archive unpacks to."""
import os
import shutil
import subprocess
import unittest

GO = shutil.which('go') or shutil.which('go', path='/usr/local/go/bin')

needs_go = unittest.skipUnless(
    GO, 'needs Go, which is neither on the path nor in /usr/local/go/bin (Debian: golang-go)')


def run_go(program, **env):
    """What the program, a file beside its test, prints. It is compiled with what comes with Go alone."""
    env = dict(os.environ, GO111MODULE='off', GOTOOLCHAIN='local', GOPROXY='off', **env)
    done = subprocess.run([GO, 'run', program], env=env, stdout=subprocess.PIPE, timeout=600, check=True)
    return done.stdout.decode()

"""terminal.py answer|interrupt TEXT STATUS COMMAND...

Run a command on a terminal of its own, wait until it asks for a passphrase,
which must not be echoed, and type TEXT, or send it SIGINT. Its exit status must
be STATUS, TEXT must not have been shown, and the terminal must be as before.
"""
import fcntl
import os
import signal
import sys
import termios

how, text, status, command = (sys.argv[1], sys.argv[2], int(sys.argv[3]),
                              sys.argv[4:])
master, slave = os.openpty()
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in 0, 1, 2:
        os.dup2(slave, fd)
    os.execvpe(command[0], command, {
        'PATH': os.environ['PATH'],
        'XDG_RUNTIME_DIR': os.environ['BATS_TEST_TMPDIR'],
    })


def echoes():
    return termios.tcgetattr(slave)[3] & termios.ECHO != 0


shown = b''
while b'Passphrase of ' not in shown or not shown.endswith(b': '):
    shown += os.read(master, 4096)
assert not echoes(), 'it is echoed'
if how == 'interrupt':
    os.kill(pid, signal.SIGINT)
else:
    os.write(master, text.encode() + b'\n')
os.set_blocking(master, False)
while True:
    try:
        shown += os.read(master, 4096)
    except BlockingIOError:
        ended, code = os.waitpid(pid, os.WNOHANG)
        if ended:
            break
        os.sched_yield()
print(shown.decode(errors='replace'))
assert os.waitstatus_to_exitcode(code) == status, code
assert echoes(), 'the terminal is not as it was'
assert not text or text.encode() not in shown, 'it was shown'

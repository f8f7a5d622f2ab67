"""Every error of ours, drawn as a tree.

ScalperError
+-- UsageError              exit 64: the command line or the configuration is wrong
|   +-- ConfigError             every fault of the configuration in one report
+-- InputError              exit 66: an input is missing, unreadable or makes no sense
+-- HomeError               exit 73: the home is not writable or in use
+-- SupervisionError        exit 70: supervision gave up
+-- InvariantError          we are wrong: crash, be restarted, be counted
|   +-- UnknownMessage          an actor got a message it has no handler for
|   +-- TransitionError         a state machine was asked for a step it does not have
+-- StoreError              the database cannot do what was asked
+-- BrokerError             the broker could not be asked, or gave no usable answer
+-- LogError                the message log or the tape is broken
"""

from __future__ import annotations


class ScalperError(Exception):
    """Root of all errors raised by scalper; `exit_code` is what the process ends with."""

    exit_code = 70


class UsageError(ScalperError):
    """The command line is wrong: says what was found and what is allowed."""

    exit_code = 64


class ConfigError(UsageError):
    """The configuration is wrong; one line per fault, all faults in one report."""


class InputError(ScalperError):
    """An input (recorded day, tape, log) is missing, unreadable or makes no sense."""

    exit_code = 66


class HomeError(ScalperError):
    """The home folder cannot be written, or another run holds it."""

    exit_code = 73


class SupervisionError(ScalperError):
    """A child failed beyond its restart window, or hangs, and trading cannot go on."""


class InvariantError(ScalperError):
    """Something that cannot be so is so: a bug of ours."""


class UnknownMessage(InvariantError):
    """A letter reached an actor that has no handler for its message."""


class TransitionError(InvariantError):
    """A state machine was asked for a step that its table does not have."""


class StoreError(ScalperError):
    """The database refused, is unreachable, or holds what it must not hold."""


class BrokerError(ScalperError):
    """The broker could not be asked or gave no usable answer: nothing is known."""


class LogError(ScalperError):
    """The message log or a tape has a gap, or a line that cannot be read."""

    exit_code = 66

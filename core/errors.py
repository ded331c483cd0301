"""The exceptions of Fluoroscope: one small tree.

    FluoroscopeError
    ├── ConfigError        a setting that is not allowed
    ├── InputError         arrays or tables that a function cannot work with
    ├── StudyError         a study that cannot be imported, loaded or trained on
    ├── WeightsMissing     an encoder's weights are neither on this machine nor within reach
    ├── ArtefactError      a file of ours that is absent, torn, altered or not of its form
    ├── RunError           a run, an import or an ablation that cannot do what was asked of it
    │   ├── RunBusy        ... because a process is already at work on it
    │   ├── ClusterError   ... because Slurm refuses it, hangs or is not there
    │   ├── OutOfMemory    ... because memory ran out, the machine's or the accelerator's
    │   ├── NoRoom         ... because the disk, or the share of it, is full
    │   └── AcceleratorFailed  ... because the accelerator is lost, or reports an error
    ├── TrainingDiverged   a loss that is no longer finite
    ├── Stopped            the work was asked to stop, has saved, and can be resumed
    └── ExportError        a figure that cannot be written in the wanted format

Every message says what was given, what is allowed, and what to do next, and is fit to be shown to a user as it is.
"""

from __future__ import annotations


class FluoroscopeError(Exception):
    """Base of everything that Fluoroscope raises on purpose."""


class ConfigError(FluoroscopeError):
    """A setting that is not allowed."""


class InputError(FluoroscopeError, ValueError):
    """Arrays or tables that a function cannot work with."""


class StudyError(FluoroscopeError):
    """A study that cannot be imported, loaded or trained on."""


class WeightsMissing(FluoroscopeError):
    """An encoder's weights are neither on this machine nor within reach."""


class ArtefactError(FluoroscopeError):
    """A file of ours that is absent, torn, altered or not of its form."""


class RunError(FluoroscopeError):
    """A run, an import or an ablation that cannot do what was asked of it."""


class RunBusy(RunError):
    """A process is already at work on this run, import or ablation."""


class ClusterError(RunError):
    """Slurm refuses what was asked of it, hangs, or is not there."""


class OutOfMemory(RunError):
    """Memory ran out, the machine's or the accelerator's."""


class NoRoom(RunError):
    """There is no room to write: the disk is full, or the share of it."""


class AcceleratorFailed(RunError):
    """The accelerator is lost, or reports an error."""


class TrainingDiverged(FluoroscopeError):
    """A loss that is no longer finite."""


class Stopped(FluoroscopeError):
    """The work was asked to stop, has saved, and can be resumed."""

    def __init__(self, message: str = "Stopped on request; what was done is kept, and the work can go on from there."):
        super().__init__(message)


class ExportError(FluoroscopeError):
    """A figure that cannot be written in the wanted format."""

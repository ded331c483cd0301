"""A run on a cluster: the same runner and the same files, inside a job of Slurm.

Plain ``sbatch`` with a script of one line starts our own runner, because submitit would bring pickled functions, a
folder layout and a state of its own, and what it would spare us is the eight words of :func:`core.slurm.options.words`.

``slurm.json`` in a job's folder says that Slurm runs it, with what settings, and under which number. Nobody needs to
remember more: :func:`core.jobs.start`, ``stop`` and ``state`` look for that file.
"""

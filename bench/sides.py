"""The programs that bench's scripts time: each a process that answers commands, on processors of its own choice or ours."""

import datetime
import functools
import hashlib
import json
import os
import pathlib
import platform
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
BUILD = HERE.parent / "build"
DRIVER = str(BUILD / "release" / "hourglass_bench")
LIBRARIES = [
    pathlib.Path(sys.prefix) / "lib" / "libiomp5.so",  # intel-openmp from PyPI
    pathlib.Path(f"/usr/lib/{platform.machine()}-linux-gnu/libtcmalloc_minimal.so.4"),
]


def tuned(threads):
    """What makes PyTorch fastest here: Intel's OpenMP with bound threads, and an allocator that keeps its pages."""
    found = ":".join(str(path) for path in LIBRARIES if path.exists())
    environment = {"OMP_NUM_THREADS": threads, "KMP_BLOCKTIME": 200, "KMP_AFFINITY": "granularity=fine,compact,1,0"}
    environment |= {"LD_PRELOAD": found, "TORCHINDUCTOR_CACHE_DIR": BUILD / "inductor"}
    return {name: str(value) for name, value in environment.items()}


class Side:
    def __init__(self, command, processors=None, environment=None, group=None):
        """`group` is the folder of a control group that the process joins."""

        def place():
            if group:
                (group / "cgroup.procs").write_text(str(os.getpid()))
            if processors:
                os.sched_setaffinity(0, processors)

        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if os.environ.get("VERBOSE") else subprocess.DEVNULL,
            text=True,
            preexec_fn=place,
            env={**os.environ, **(environment or {})},
        )

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.process.args} gave no answer to {words}; VERBOSE=1 shows what it says")
        return answer.strip()

    def numbers(self, *words):
        return [float(word) for word in self.ask(*words).split()]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def processors(count):
    return sorted(os.sched_getaffinity(0))[:count]


def hourglass(name, batch, threads, images=None, engine="native", cores=None, group=None):
    command = [DRIVER, name, batch, threads, images or 8 * batch, engine]
    return Side(command, processors(cores or threads), group=group)


def peer(file, name, batch, threads, environment=None):
    return Side([sys.executable, HERE / file, name, batch, threads], processors(threads), environment)


def torch(name, batch, threads):
    return peer("peer_torch.py", name, batch, threads, tuned(threads))


def torch_as_installed(name, batch):
    return Side([sys.executable, HERE / "peer_torch.py", name, batch, 0])


def keras(backend, name, batch, threads):
    return peer("peer_keras.py", name, batch, threads, {"KERAS_BACKEND": backend})


def onnx(name, batch, threads):
    return peer("peer_onnx.py", name, batch, threads)


@functools.cache
def build(program=DRIVER):
    """Names the program that was timed."""
    return hashlib.sha256(pathlib.Path(program).read_bytes()).hexdigest()[:12]


@functools.cache
def processor():
    """Its name, as lscpu has it."""
    said = subprocess.run(["lscpu"], capture_output=True, text=True).stdout
    return next((line.split(":", 1)[1].strip() for line in said.splitlines() if line.startswith("Model name")), "")


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class Rows:
    """A file of JSON lines that grows as rows come, each with the build and the day; a row with the same key takes the place of an older one."""

    def __init__(self, path, *key, program=DRIVER):
        self.path, self.key, self.program, self.rows = pathlib.Path(path), key, program, rows_of(pathlib.Path(path))

    def find(self, row):
        same = [old for old in self.rows if all(old.get(name) == row.get(name) for name in self.key)]
        return same[0] if same else None

    def put(self, row):
        row = row | {"cpu": processor(), "build": build(self.program), "date": datetime.date.today().isoformat()}
        old = self.find(row)
        if old is not None:
            self.rows[self.rows.index(old)] = row
        else:
            self.rows.append(row)
        partial = self.path.with_suffix(".part")
        partial.write_text("".join(json.dumps(each) + "\n" for each in self.rows))
        partial.rename(self.path)

"""Layers, cycles, sizes and wrappers of fxdet, read from its source; and tests of these rules themselves."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "fxdet"

# Lowest first; packages of one row do not see each other.
LAYERS = (
    {"core"},
    {"imaging"},
    {"data", "localize", "classify", "evaluation"},
    {"zoo"},
    {"training", "pipeline"},
    {"report", "pages", "dicomout"},
    {"cli"},
)
# Packages that may see less than the layers below them; one module of report may see more.
ONLY = {"evaluation": {"core"}, "report": {"core", "imaging"}, "dicomout": {"core", "imaging"}}
ONLY_EXCEPT = {"fxdet.report.serve": {"pipeline"}}
LEAVES = {"fxdet._version"}
WRAPPED_BY = {
    "timm": ("fxdet.classify.model", "fxdet.localize.timm_pyramid"),
    "ultralytics": (
        "fxdet.localize.yolo",
        "fxdet.training.yolo",
        "fxdet.training.yolo_data",
        "fxdet.training.yolo_weights",
    ),
    "albumentations": ("fxdet.data.augment",),
    "pytorch_grad_cam": ("fxdet.classify.cam",),
    "pydicom": ("fxdet.imaging.dicom", "fxdet.dicomout"),
    "highdicom": ("fxdet.imaging.dicom", "fxdet.dicomout"),
    "huggingface_hub": ("fxdet.zoo.repository",),
    "ray": ("fxdet.pipeline.distributed", "fxdet.data.audit.ray_engine"),
}
WITHOUT_TORCH = ("core", "imaging", "data", "evaluation")
TORCH = {"torch", "torchvision", "timm", "ultralytics", "pytorch_grad_cam", "lightning", "accelerate"}
HEAVY = TORCH | {"albumentations", "matplotlib", "pandas", "scipy", "sklearn", "ray", "tensorboard", "cv2"}
HEAVY |= {"huggingface_hub"}
NAMELESS = {"utils", "helpers", "common", "misc"}
MODULE_LINES, FUNCTION_LINES, PARAMETERS = 400, 50, 6

Sources = Mapping[str, str]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Import:
    """One imported module, where it stands, and whether it runs when the module is imported."""

    module: str
    line: int
    on_load: bool


def read_sources(package: Path = PACKAGE) -> dict[str, str]:
    sources = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        sources[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return sources


def imports(module: str, sources: Sources) -> Iterator[Import]:
    """Every import of a module: at the top, inside functions, for types only, and by require() or import_module()."""
    tree = ast.parse(sources[module])
    deferred = {id(inner) for node in ast.walk(tree) if _defers(node) for inner in ast.walk(node)}
    is_package = any(name.startswith(f"{module}.") for name in sources)
    for node in ast.walk(tree):
        for name in _imported(node, module, is_package, sources):
            yield Import(name, node.lineno, id(node) not in deferred)


def _defers(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    return isinstance(node, Function)


def _imported(node: ast.AST, module: str, is_package: bool, sources: Sources) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            above = module.split(".")[: len(module.split(".")) - node.level + is_package]
            base = ".".join([*above, *filter(None, [node.module])])
        for alias in node.names:
            inner = f"{base}.{alias.name}"
            yield inner if inner in sources else base
    elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in {"require", "import_module"}:
        first = node.args[0] if node.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def layer(module: str) -> tuple[str, int] | None:
    """Package of a module and its height; None for the root's own modules."""
    parts = module.split(".")
    for height, packages in enumerate(LAYERS):
        if len(parts) > 1 and parts[1] in packages:
            return parts[1], height
    return None


def layer_faults(sources: Sources) -> list[str]:
    return [fault for module in sources for fault in _layer_faults_of(module, sources)]


def _layer_faults_of(module: str, sources: Sources) -> Iterator[str]:
    own = layer(module)
    if own is None:
        if module.count(".") > 1:
            yield f"{module}: package is in no layer"
        return
    package, height = own
    for entry in imports(module, sources):
        if entry.module.split(".")[0] != "fxdet" or entry.module in LEAVES:
            continue
        other = layer(entry.module)
        if other is None:
            yield f"{module}:{entry.line} imports {entry.module}: nobody imports the root package"
        elif other[0] != package and other[1] >= height:
            yield f"{module}:{entry.line} imports {entry.module}: not below {package}"
        elif other[0] != package and other[0] not in ONLY.get(package, {other[0]}) | ONLY_EXCEPT.get(module, set()):
            yield f"{module}:{entry.line} imports {entry.module}: {package} sees only {sorted(ONLY[package])}"


def cycles(sources: Sources) -> list[list[str]]:
    """Cycles among modules, imports inside functions and for types included."""
    below = {name: {i.module for i in imports(name, sources) if i.module in sources} - {name} for name in sources}
    found, done, path = [], set(), []

    def visit(name: str) -> None:
        if name in path:
            found.append([*path[path.index(name) :], name])
        elif name not in done:
            path.append(name)
            for other in sorted(below[name]):
                visit(other)
            done.add(path.pop())

    for name in sources:
        visit(name)
    return found


def wrapping_faults(sources: Sources) -> list[str]:
    faults = []
    for module in sources:
        package = (layer(module) or ("", 0))[0]
        for entry in imports(module, sources):
            top = entry.module.split(".")[0]
            wrappers = WRAPPED_BY.get(top)
            if wrappers and not any(module == name or module.startswith(f"{name}.") for name in wrappers):
                faults.append(f"{module}:{entry.line} imports {top}: only {', '.join(wrappers)} may")
            if package in WITHOUT_TORCH and top in TORCH:
                faults.append(f"{module}:{entry.line} imports {top}: {package} runs without torch")
            if package == "cli" and entry.on_load and top in HEAVY:
                faults.append(f"{module}:{entry.line} imports {top} when it is loaded: import it inside the command")
    return faults


def size_faults(sources: Sources) -> list[str]:
    faults = []
    for module, text in sources.items():
        lines = text.count("\n")
        if lines > MODULE_LINES:
            faults.append(f"{module} has {lines} lines, at most {MODULE_LINES}")
        if module.split(".")[-1] in NAMELESS:
            faults.append(f"{module}: a drawer without a name")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, Function):
                faults += [f"{module}:{node.lineno} {node.name} {what}" for what in _function_faults(node)]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                faults.append(f"{module}:{node.lineno} calls print()")
    return faults


def _function_faults(node: Function) -> Iterator[str]:
    lines = node.end_lineno - node.lineno + 1 - _docstring_lines(node)
    if lines > FUNCTION_LINES:
        yield f"has {lines} lines without its docstring, at most {FUNCTION_LINES}"
    decorators = " ".join(ast.unparse(item) for item in node.decorator_list)
    names = [item.arg for item in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    count = len([name for name in names if name not in {"self", "cls"}])
    # A click command has one parameter for each option of its command line.
    if count > PARAMETERS and ".command(" not in decorators:
        yield f"has {count} parameters, at most {PARAMETERS}: make an options dataclass"
    if node.args.kwarg and any(
        isinstance(call, ast.Call) and any(_is_name(k.value, node.args.kwarg.arg) for k in call.keywords if not k.arg)
        for call in ast.walk(node)
    ):
        yield f"passes **{node.args.kwarg.arg} through"


def _docstring_lines(node: Function) -> int:
    first = node.body[0]
    is_text = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return first.end_lineno - first.lineno + 1 if is_text else 0


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


SOURCES = read_sources()


def test_layers():
    assert layer_faults(SOURCES) == []


def test_no_cycles():
    assert cycles(SOURCES) == []


def test_wrapped_packages():
    assert wrapping_faults(SOURCES) == []


def test_sizes_and_names():
    assert size_faults(SOURCES) == []


def test_tools_are_thin():
    tools = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "tools").glob("*.py"))}
    assert size_faults(tools) == []


@pytest.mark.parametrize("package", WITHOUT_TORCH)
def test_package_runs_without_torch(package):
    # albumentations imports torch by itself where it is installed; its wrapper is loaded by trainings alone.
    names = [
        name for name in SOURCES if name.startswith(f"fxdet.{package}") and name not in WRAPPED_BY["albumentations"]
    ]
    assert _loaded(names, "torch") == ""


def test_the_command_line_starts_without_heavy_packages():
    if "fxdet.cli.main" not in SOURCES:
        pytest.skip("no command line yet")
    assert _loaded(["fxdet", "fxdet.cli.main"], *sorted(HEAVY)) == ""


def _loaded(modules: list[str], *heavy: str) -> str:
    """Which of the heavy packages a fresh interpreter has after importing the modules."""
    code = f"import sys; {'; '.join(f'import {name}' for name in modules)}; "
    code += f"sys.stdout.write(' '.join(name for name in {heavy!r} if name in sys.modules))"
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_importing_everything_reaches_for_no_network_and_touches_no_global_state():
    names = [name for name in SOURCES if not name.endswith("__main__")]
    code = (
        "import importlib, logging, random, socket, sys, warnings\n"
        "import numpy\n"
        "tried = []\n"
        "def refuse(self, address, *rest):\n"
        "    tried.append(str(address))\n"
        "    raise OSError('no network')\n"
        "socket.socket.connect = refuse\n"
        "def state():\n"
        "    seeds = random.getstate()[1], numpy.random.get_state()[1].tolist()\n"
        "    return *seeds, warnings.showwarning, numpy.get_printoptions()\n"
        "before = state()\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "assert not tried, tried\n"
        "assert before == state(), 'a module changed a global generator, or how warnings or arrays are shown'\n"
        "assert not logging.getLogger('fxdet').handlers, 'a handler below cli'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# The rules themselves: each planted fault must be found.

CLEAN = {
    "fxdet": "",
    "fxdet._version": "__version__ = '0'",
    "fxdet.core": "",
    "fxdet.core.boxes": "import numpy",
    "fxdet.imaging.reading": "from fxdet.core.boxes import clip\nfrom fxdet._version import __version__",
    "fxdet.zoo.hub": "from fxdet.imaging import reading",
}


def planted(module: str, text: str) -> dict[str, str]:
    return {**CLEAN, module: text}


def test_clean_tree_has_no_faults():
    assert layer_faults(CLEAN) == wrapping_faults(CLEAN) == size_faults(CLEAN) == cycles(CLEAN) == []


@pytest.mark.parametrize(
    ("module", "text", "what"),
    [
        ("fxdet.core.files", "from fxdet.imaging import reading", "not below core"),
        ("fxdet.core.files", "from ..imaging import reading", "not below core"),
        ("fxdet.core.files", "def f():\n    import fxdet.zoo.hub", "not below core"),
        ("fxdet.core.files", "if TYPE_CHECKING:\n    from fxdet.zoo.hub import x", "not below core"),
        ("fxdet.core.files", "from importlib import import_module\nimport_module('fxdet.zoo.hub')", "not below core"),
        ("fxdet.localize.yolo", "from fxdet.classify.model import x", "not below localize"),
        ("fxdet.evaluation.froc", "from fxdet.imaging.reading import x", "evaluation sees only ['core']"),
        ("fxdet.report.overlay", "from fxdet.pipeline.engine import x", "report sees only"),
        ("fxdet.zoo.cards", "from fxdet import load_pipeline", "nobody imports the root package"),
        ("fxdet.zoo.cards", "import fxdet", "nobody imports the root package"),
        ("fxdet.attic.old", "", "package is in no layer"),
    ],
)
def test_layer_fault_is_found(module, text, what):
    faults = layer_faults(planted(module, text))
    assert len(faults) == 1
    assert what in faults[0]


def test_serve_alone_may_reach_the_pipeline():
    assert layer_faults(planted("fxdet.report.serve", "from fxdet.pipeline.engine import x")) == []


@pytest.mark.parametrize("text", ["from fxdet.core.b import x", "def f():\n    from . import b", "import fxdet.core.b"])
def test_cycle_is_found(text):
    sources = {"fxdet.core": "", "fxdet.core.a": text, "fxdet.core.b": "from fxdet.core.a import y"}
    assert cycles(sources) == [["fxdet.core.a", "fxdet.core.b", "fxdet.core.a"]]


@pytest.mark.parametrize(
    ("module", "text", "what"),
    [
        ("fxdet.training.loop", "import timm.layers", "imports timm"),
        ("fxdet.training.loop", "require('ultralytics', 'x')", "imports ultralytics"),
        ("fxdet.imaging.reading", "def f():\n    import pydicom", "imports pydicom"),
        ("fxdet.data.samples", "from torch import nn", "data runs without torch"),
        ("fxdet.cli.main", "import torch", "when it is loaded"),
    ],
)
def test_wrapping_fault_is_found(module, text, what):
    faults = wrapping_faults(planted(module, text))
    assert len(faults) == 1
    assert what in faults[0]


def test_commands_may_import_heavy_packages_when_they_run():
    assert wrapping_faults(planted("fxdet.cli.main", "def f():\n    import torch")) == []


LONG = "def f():\n" + "    pass\n" * 50


@pytest.mark.parametrize(
    ("module", "text", "what"),
    [
        ("fxdet.core.long", "x = 1\n" * 401, "has 401 lines"),
        ("fxdet.core.long", LONG, "f has 51 lines"),
        ("fxdet.core.utils", "", "a drawer without a name"),
        ("fxdet.core.many", "def f(a, b, c, d, /, e, f, *, g): ...", "f has 7 parameters"),
        ("fxdet.core.soup", "def f(**options):\n    return g(1, **options)", "passes **options through"),
        ("fxdet.core.loud", "def f():\n    print(1)", "calls print()"),
    ],
)
def test_size_fault_is_found(module, text, what):
    faults = size_faults(planted(module, text))
    assert len(faults) == 1
    assert what in faults[0]


def test_docstrings_self_and_click_commands_are_not_counted():
    long_text = 'def f():\n    """Do it.\n' + "    more\n" * 60 + '    """\n'
    many = "class A:\n    def f(self, a, b, c, d, e, g): ...\n"
    command = "@main.command('x')\n@click.option('--a')\ndef f(a, b, c, d, e, g, h): ...\n"
    assert size_faults({"fxdet.cli.x": long_text + many + command}) == []

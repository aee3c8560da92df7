"""Which onnxruntime wheel is installed: exactly one may be, since all of them share one import name.

The wheels for CPU, CUDA and OpenVINO unpack into the same folder: two of them overwrite each other's files, and
removing one takes files of the other along. onnxruntime itself notices neither.
"""

from types import ModuleType

from .errors import ProviderError

WHEELS = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml")
CPU_REQUIREMENTS, GPU_REQUIREMENTS = "requirements-runtime.txt", "requirements-runtime-gpu.txt"
_MEND = (
    f"`python -m pip uninstall -y {' '.join(WHEELS)}`, then `python -m pip install -r {CPU_REQUIREMENTS}` "
    f"(with CUDA: {GPU_REQUIREMENTS})"
)


def installed_wheels() -> dict[str, str]:
    """{distribution: version} of the onnxruntime wheels of this environment."""
    from importlib import metadata  # noqa: PLC0415  10 ms that only a fault or `info` needs

    found = {}
    for name in WHEELS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def wheel_fault() -> str | None:
    """What is wrong with the environment's onnxruntime and what mends it; None where one sound wheel is installed."""
    wheels = installed_wheels()
    named = " and ".join(f"{name} {version}" for name, version in wheels.items())
    if len(wheels) > 1:
        return f"{named} are installed together and break each other; exactly one may be: {_MEND}"
    try:
        import onnxruntime  # noqa: PLC0415  the question is whether it can be imported

        onnxruntime.get_available_providers()  # an emptied folder still imports, as a namespace without content
    except (ImportError, AttributeError) as error:
        stands = f"{named} is installed but cannot be imported" if wheels else "onnxruntime is not installed"
        return f"{stands} ({error}): {_MEND}"
    return None


def load_onnxruntime() -> ModuleType:
    """The module onnxruntime, imported late: ProviderError with the mend where the environment has none that works."""
    try:
        import onnxruntime as ort  # noqa: PLC0415  a command that runs no model waits for nothing

        ort.get_available_providers()
    except (ImportError, AttributeError) as error:
        raise ProviderError(wheel_fault() or str(error)) from error
    module: ModuleType = ort
    return module


def describe_onnxruntime() -> str:
    """For `info`: the wheel, its version and the providers that it was built with, or what is wrong with it."""
    fault = wheel_fault()
    if fault:
        return f"nothing: {fault}"
    named = " and ".join(f"{name} {version}" for name, version in installed_wheels().items())
    providers = load_onnxruntime().get_available_providers()
    return f"{named}: {', '.join(name.removesuffix('ExecutionProvider') for name in providers)}"

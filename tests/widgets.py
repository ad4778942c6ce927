"""Moves the sliders of a notebook: every control of every `interact` to both ends and the middle of its range, in the process that made it.

The notebook has just run there, as when somebody runs all its cells and then begins to play: nothing is computed twice for it."""
from __future__ import annotations
import contextlib, io, warnings
from collections.abc import Iterator
import matplotlib.pyplot as plt
from ipywidgets import Checkbox, FloatLogSlider, ToggleButton, Widget, fixed, interactive

@contextlib.contextmanager
def recorded() -> Iterator[list[interactive]]:
    "Inside: what `interact` makes is collected."
    made = []
    Widget.on_widget_constructed(lambda w: made.append(w) if isinstance(w, interactive) else None)
    try: yield made
    finally: Widget.on_widget_constructed(None)

def places(control: Widget) -> list:
    "The lowest value of a control, one in the middle, the highest; of a choice the first, a middle one, the last."
    if isinstance(control, (Checkbox, ToggleButton)): return [False, True]
    if hasattr(control, "_options_full"):
        values = [value for _, value in control._options_full]
        return [values[k] for k in sorted({0, len(values) // 2, len(values) - 1})]
    if not hasattr(control, "min"): raise TypeError(f"{type(control).__name__} {control.description!r} has no range; give it one (a slider, a choice), or teach tests/widgets.py what to try")
    low, high = control.min, control.max
    middle = low + (high - low) // 2 if isinstance(low, int) and isinstance(high, int) else (low + high) / 2
    return [control.base ** v if isinstance(control, FloatLogSlider) else v for v in (low, middle, high)]

def settings(controls: list[Widget]) -> tuple[list[list], list[list]]:
    "Values of all controls: one moved, the others as they stand; and the two corners, all low and all high. Without those with which the widget began."
    start, ranges = [c.value for c in controls], [places(c) for c in controls]
    moved = [[*start[:k], value, *start[k + 1:]] for k, values in enumerate(ranges) for value in values]
    corners = [values for values in ([r[0] for r in ranges], [r[-1] for r in ranges]) if values != start]
    return [values for values in moved if values not in (start, *corners)], corners

class Stuck(Exception): "A widget failed; the text says where its controls stood."

def drive(widget: interactive, shell) -> dict:
    "What was moved; `Stuck` where the callback raises or shows nothing, where its picture cannot be drawn, or where numpy computes what is no number."
    controls = [c for c in widget.kwargs_widgets if not isinstance(c, fixed)]
    moved, corners = settings(controls)
    for c in controls: c.unobserve(widget.update, "value")                # several are moved at once, and the callback is called once
    for values in moved + corners:
        shell.outputs, shell.error = [], None
        with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            try:
                for c, v in zip(controls, values): c.value = v
                widget.update()                                           # an exception goes to `shell.error`
                shown = plt.get_fignums() or shell.outputs or said.getvalue()
                if values in corners:                                     # drawing costs more than computing: the corners must do
                    for n in plt.get_fignums(): plt.figure(n).canvas.draw()
                if not (shell.error or shown): raise AssertionError("nothing is shown")
            except Exception as e: shell.error = shell.error or e
            finally: plt.close("all")
        if shell.error: raise Stuck(f"the widget {getattr(widget.f, '__name__', 'of a function')}({', '.join(f'{c._kwarg}={v!r}' for c, v in zip(controls, values))})") from shell.error
    return dict(name=getattr(widget.f, "__name__", ""), controls=sorted(c._kwarg for c in controls), calls=len(moved) + len(corners))

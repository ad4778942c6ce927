"Every notebook is a test: it runs from its first cell to its last."
import pytest
from notebooks import Failed, all_off, keep, kept, run
from project import NBS, notebooks, read

@pytest.mark.parametrize("path", notebooks(), ids=lambda p: p.relative_to(NBS).with_suffix("").as_posix())
def test_notebook(path, request):
    if all_off(read(path)): pytest.skip("eval: false")
    before = kept(path)
    nb, failure = None, ""
    try: nb = run(path)
    except Failed as e: failure = str(e)
    if failure: pytest.fail(failure, pytrace=False)
    if request.config.getoption("reversed") and before:
        now = nb["metadata"]["sslkit"]["results"]
        differ = sorted(k for k in before["results"].keys() | now if before["results"].get(k) != now.get(k))
        assert not differ, f"{', '.join(differ)}: other values than in the run before; they depend on what ran earlier in the process, or on the clock"
    keep(path, nb)

"""Looks at the dashboard as a person would: in a browser; runs in Superset's own environment.

    python -m analytics.renderers.superset.browser < REQUEST_JSON

It logs in by the form, opens the dashboard, waits for every chart, and prints as JSON what each of
them shows: ``state``, the rows that Superset gave the browser to draw, and ``problem``.
"""

import asyncio
import base64
import json
import sys
import time
from pathlib import Path
from typing import Any

WIDTH = 1400
POLL_SECONDS = 0.5
#: A chart that is drawn stays so for this long before it is looked at: ECharts moves at first.
SETTLE_SECONDS = 2.0
#: A page that goes while it is asked takes its answer with it.
ANSWER_SECONDS = 10.0

#: Keeps what Superset answers to the charts, by chart.
_RECORD = """
window.lakeAnswers = {};
const plain = window.fetch;
window.fetch = async (...given) => {
  const answer = await plain(...given);
  const url = String(given[0]?.url ?? given[0]);
  const asked = url.includes('/api/v1/chart/data') ? decodeURIComponent(url) : '';
  const found = asked.match(/"slice_id":(\\d+)/);
  if (found) {
    const body = await answer.clone().json().catch(() => ({}));
    window.lakeAnswers[found[1]] = {status: answer.status, body};
  }
  return answer;
};
"""

#: What each chart shows, by its place in the layout.
_LOOK = """
(async () => {
  const answer = await fetch('/api/v1/dashboard/%s');
  if (!answer.ok) return {error: `the dashboard answers ${answer.status}`};
  const layout = JSON.parse((await answer.json()).result.position_json);
  const charts = {};
  for (const part of Object.values(layout)) {
    if (part?.type !== 'CHART') continue;
    const id = part.meta.chartId;
    const box = document.querySelector(`.dashboard-chart-id-${id}`);
    const chart = {state: 'missing', text: ''};
    charts[part.meta.uuid] = chart;
    chart.answer = window.lakeAnswers[id] ?? null;
    if (!box) continue;
    box.scrollIntoView();
    chart.text = box.innerText.trim();
    const canvas = box.querySelector('canvas');
    const table = box.querySelectorAll('tbody tr').length;
    const has = (selectors) => box.querySelector(selectors) !== null;
    if (has('.ant-alert-error, [role=alert]')) chart.state = 'error';
    else if (has('.ant-empty') || /No (data|results)/.test(chart.text)) chart.state = 'empty';
    else if (has('[role=status], [data-test=loading-indicator], .loading')) chart.state = 'loading';
    else if (canvas) {
      const {width, height} = canvas;
      const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data;
      let coloured = 0;
      for (let i = 0; i < pixels.length; i += 4) {
        const [r, g, b, a] = pixels.slice(i, i + 4);
        if (a > 0 && Math.max(r, g, b) - Math.min(r, g, b) > 40) coloured += 1;
      }
      chart.state = coloured > 200 ? 'drawn' : 'blank';
    }
    else if (table) chart.state = 'drawn';
    else if (box.querySelector('.header-line')) chart.state = 'drawn';
    else chart.state = 'blank';
  }
  return {charts};
})()
"""

_FOCUS = """
(() => {
  const password = document.querySelector('input[type=password]');
  if (!password) return false;
  const fields = [...document.querySelectorAll('input')].filter(
    (field) => field.type === 'text' || field.type === 'password');
  fields[%d].focus();
  return true;
})()
"""
_SUBMIT = """
(() => {
  const form = document.querySelector('input[type=password]').form;
  (form.querySelector('[type=submit]') ?? form.querySelector('button')).click();
})()
"""


class LookError(Exception):
    """The dashboard could not be looked at."""


async def look(request: dict[str, Any]) -> dict[str, Any]:
    """Return what the charts show, by their ids; write the screenshot.

    Raises
    ------
    LookError
        The page cannot be opened, or nobody can log in.
    """
    from choreographer import Browser  # pants: no-infer-dep

    deadline = time.monotonic() + float(request["timeout"])
    async with Browser(path=request["browser"], enable_extensions=False) as browser:
        tab = await browser.create_tab("about:blank")
        page = _Page(tab, deadline)
        await page.size(WIDTH, 1000)
        await page.send("Page.enable")
        await page.send("Page.addScriptToEvaluateOnNewDocument", {"source": _RECORD})
        await _log_in(page, request)
        await page.open(request["url"])
        charts = await _wait_for_charts(page, request["slug"], set(request["charts"]))
        if request["screenshot"]:
            await _screenshot(page, Path(request["screenshot"]))
    return {"charts": charts}


class _Page:
    def __init__(self, tab: Any, deadline: float) -> None:
        self._tab = tab
        self.deadline = deadline

    async def send(self, command: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        asked = self._tab.send_command(command, params=params or {})
        answer = await asyncio.wait_for(asked, ANSWER_SECONDS)
        if "error" in answer:
            raise LookError(f"the browser refuses {command}: {answer['error'].get('message')}")
        result: dict[str, Any] = answer.get("result", {})
        return result

    async def size(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self.send("Emulation.setDeviceMetricsOverride", metrics)

    async def open(self, url: str) -> None:
        found = await self.send("Page.navigate", {"url": url})
        if "errorText" in found:
            raise LookError(f"{url} does not open: {found['errorText']}")

    async def value(self, script: str) -> Any:
        asked = {"expression": script, "awaitPromise": True, "returnByValue": True}
        try:
            result = await self.send("Runtime.evaluate", asked)
        except TimeoutError:
            return None
        return result.get("result", {}).get("value")

    async def wait(self, script: str, otherwise: str) -> Any:
        while not (found := await self.value(script)):
            if time.monotonic() > self.deadline:
                raise LookError(otherwise)
            await asyncio.sleep(POLL_SECONDS)
        return found


async def _log_in(page: _Page, request: dict[str, Any]) -> None:
    await page.open(request["login_url"])
    password = Path(request["password_file"]).read_text()
    for place, text in enumerate((request["user"], password)):
        await page.wait(_FOCUS % place, "the page to log in shows no form")
        await page.send("Input.insertText", {"text": text})
    await page.value(_SUBMIT)
    gone = "document.readyState === 'complete' && !document.querySelector('input[type=password]')"
    await page.wait(gone, "nobody can log in: the page to log in stays")


async def _wait_for_charts(page: _Page, slug: str, wanted: set[str]) -> dict[str, Any]:
    charts: dict[str, Any] = {}
    while time.monotonic() < page.deadline:
        found = await page.value(_LOOK % slug) or {}
        if "error" in found:
            raise LookError(found["error"])
        charts = found.get("charts", {})
        waiting = [c for c in charts.values() if c["state"] in ("missing", "loading", "blank")]
        if charts and not waiting and wanted <= set(charts):
            break
        await asyncio.sleep(POLL_SECONDS)
    return charts


async def _screenshot(page: _Page, path: Path) -> None:
    # The dashboard scrolls inside the page: a window as high as it shows it whole.
    height = await page.value(
        "Math.max(...[...document.querySelectorAll('*')].map((part) => part.scrollHeight))"
    )
    await page.size(WIDTH, min(int(height) + 20, 8000))
    await page.value("window.scrollTo(0, 0)")
    await asyncio.sleep(SETTLE_SECONDS)
    shot = await page.send("Page.captureScreenshot", {"format": "png"})
    path.write_bytes(base64.b64decode(shot["data"]))


def main() -> int:
    """Look at what stdin asks for; return the exit status."""
    request = json.load(sys.stdin)
    try:
        found = asyncio.run(look(request))
    except TimeoutError:
        found = {"failed": "the browser does not answer"}
    except LookError as error:
        found = {"failed": str(error)}
    except Exception as error:
        # Choreographer has an error for each way in which a browser does not start.
        if type(error).__module__.split(".")[0] != "choreographer":
            raise
        found = {"browser_missing": str(error)}
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())

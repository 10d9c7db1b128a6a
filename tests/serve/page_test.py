#!/usr/bin/env python3
# The page of `unclip serve` in headless Chromium: what a person does on it by keyboard, mouse and finger, against the
# real program with the tiny model. Usage: page_test.py UNCLIP TEST_DATA [FOLDER_FOR_SCREENSHOTS]
# Ends with 77 (skipped) and the reason where Chromium or the verb `serve` is missing.
import base64
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import zlib

sys.dont_write_bytecode = True  # leaves nothing in the source tree
from devtools import Page, find_chromium

IMAGES = "document.querySelectorAll('#gallery li').length"
IDLE = "document.querySelectorAll('.job').length === 0"
KEY = "a-key-for-the-test-of-the-page"


def tiny_model(data, folder):
    """karlo-tiny with an image encoder, as tests/karlo_variations.h makes it."""
    tiny, own = data / "karlo-tiny", data / "karlo-variations"
    index = json.loads((own / "model_index.json").read_text())
    whole = json.loads((tiny / "model_index.json").read_text())
    index.update({part: whole[part] for part in ("prior", "prior_scheduler")})
    folder.mkdir()
    for part, classes in index.items():
        if isinstance(classes, list):
            (folder / part).symlink_to((own if (own / part).exists() else tiny) / part)
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


@contextlib.contextmanager
def served(unclip, model, *flags):
    """Gives the URL of a running server, and checks that it ends well."""
    server = subprocess.Popen([unclip, "serve", "--model", model, "--port", "0", *flags], stdout=subprocess.PIPE,
                              text=True)
    try:
        url = server.stdout.readline().strip()
        assert url.startswith("http://"), f"the server does not say its URL, but {url!r}"
        yield url.rstrip("/") + "/"
        server.terminate()
        assert server.wait(30) in (0, 143), f"the server ended with {server.returncode}"
    finally:
        server.kill()
        server.wait()


def pixels(png):
    """The decompressed rows of a PNG, without its metadata."""
    at, data = 8, b""
    while at < len(png):
        length, kind = int.from_bytes(png[at:at + 4], "big"), png[at + 4:at + 8]
        if kind == b"IDAT":
            data += png[at + 8:at + 8 + length]
        at += length + 12
    return zlib.decompress(data)


def newest_image(page):
    return base64.b64decode(page.evaluate("""album.items[0].blob.arrayBuffer()
        .then(bytes => btoa(String.fromCharCode(...new Uint8Array(bytes))))"""))


def fill(page, selector, text):
    page.evaluate(f"document.querySelector({json.dumps(selector)}).value = {json.dumps(text)}")


def wait_for_images(page, count):
    page.until(f"{IMAGES} === {count} && {IDLE}", 60)


# ---- The checks, in the order in which they use the page

def loads_quietly(page):
    page.until("document.querySelector('#model').textContent !== ''")
    assert page.evaluate("document.activeElement.id") == "prompt", "the prompt is not focused at the start"
    assert page.evaluate(IMAGES) == 0
    unlabeled = page.evaluate("""[...document.querySelectorAll('input, textarea, button, canvas')]
        .filter(e => !(e.labels?.length || e.ariaLabel || e.textContent.trim())).map(e => e.outerHTML)""")
    assert not unlabeled, f"without a label: {unlabeled}"


def enter_generates(page):
    page.evaluate("""new MutationObserver(() => (window.said ??= []).push($('live').textContent))
        .observe($('live'), {childList: true});
        const show = Job.prototype.preview;
        Job.prototype.preview = function (blob) {
            show.call(this, blob);
            this.image.onload = () => (window.previews ??= []).push(this.image.naturalWidth);
        }""")
    page.type("a red circle")
    page.key("Enter")
    wait_for_images(page, 1)
    said = page.evaluate("window.said")
    for part in ("Started: A red circle", "Decoder", "Done in"):
        assert any(text.startswith(part) for text in said), f"not announced: {part!r} in {said}"
    assert page.evaluate("document.querySelector('#gallery img').naturalWidth") == 32
    sides = page.evaluate("window.previews ?? []")
    assert sides and set(sides) == {16}, f"previews of the decoder, before the upsampler: {sides}"


def keyboard_alone_is_enough(page):
    page.evaluate("document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')")
    page.tab_to(".skip")
    assert page.box(".skip")[0] >= 0, "the skip link is not visible when it has the focus"
    page.tab_to("#n")
    page.evaluate("document.activeElement.select()")
    page.type("2")
    page.tab_to("#seed")
    page.type("7")
    page.tab_to("#more summary")
    page.key("Enter")
    page.tab_to("[name=decoder_steps]")
    ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ring == "solid", f"the focus is not visible: {ring}"
    page.type("3")
    page.tab_to("#create .primary", back=True)
    page.key("Enter")
    wait_for_images(page, 3)
    page.tab_to("#gallery button")
    page.key("Enter")
    command = page.until("document.querySelector('#command').value")
    assert command == "unclip generate 'a red circle' --seed 8 --decoder-steps 3", command
    page.tab_to("#edit")
    page.key(" ")
    assert page.until("document.activeElement.id") == "mask"
    page.key("ArrowLeft", times=4)
    page.key(" ", release=False)
    page.key("ArrowDown", times=3)
    page.key(" ")
    page.tab_to("#edit-prompt")
    page.key("Enter")
    wait_for_images(page, 5)
    page.key("Escape")


def command_makes_the_same_image(page, unclip, model):
    fill(page, "#n", "1")
    prompt = """it's a "red" $HOME `circle` \\ !"""
    fill(page, "#prompt", prompt)
    page.click("#create .primary")
    wait_for_images(page, 6)
    page.click("#gallery button")
    command = page.evaluate("document.querySelector('#command').value")
    with tempfile.TemporaryDirectory() as folder:
        script = f'unclip() {{ "$UNCLIP" "$@" -q -o image.png; }}; {command}'
        subprocess.run(["sh", "-c", script], check=True, cwd=folder, stdout=subprocess.DEVNULL,
                       env={**os.environ, "UNCLIP": unclip, "UNCLIP_MODEL": str(model)})
        made = (pathlib.Path(folder) / "image.png").read_bytes()
    assert prompt.encode() in made or json.dumps(prompt)[1:-1].encode() in made, "the prompt did not survive the shell"
    assert pixels(made) == pixels(newest_image(page)), f"another image: {command}"
    dashed = page.evaluate("""commandOf({kind: 'generate', prompt: '--help', seed: 0, options: {}})""")
    assert dashed == "unclip generate --seed 0 -- --help", dashed
    page.key("Escape")


def mouse_paints_a_mask(page):
    before = newest_image(page)
    page.click("#gallery button")
    page.click("#edit")
    x, y, width, height = page.box("#mask")
    page.drag([(x + width * 0.1, y + height * 0.1), (x + width * 0.3, y + height * 0.1)])
    page.click("#undo")
    page.click("#edit-form .primary")
    assert "Paint over" in page.until("document.querySelector('#edit-note').textContent"), "an empty mask is sent"
    page.drag([(x + width * 0.2, y + height * 0.5), (x + width * 0.8, y + height * 0.5)])
    fill(page, "#edit-prompt", "a blue square")
    page.click("#edit-form .primary")
    wait_for_images(page, 7)
    changed = page.evaluate("""(async () => {
        const [newest, source] = album.items;
        const [after, before, mask] = await Promise.all([newest.blob, source.blob, newest.mask].map(async blob => {
          const image = await createImageBitmap(blob), canvas = new OffscreenCanvas(image.width, image.height);
          canvas.getContext('2d').drawImage(image, 0, 0);
          return canvas.getContext('2d').getImageData(0, 0, image.width, image.height).data;
        }));
        const count = {kept: 0, painted: 0, white: 0};
        for (let i = 0; i < mask.length; i += 4) {
          const differs = [0, 1, 2].some(c => after[i + c] !== before[i + c]);
          if (mask[i] === 255) ++count.white, count.painted += differs;
          if (mask[i] === 0) count.kept += differs;
        }
        const [corner, middle] = [mask[0], mask[mask.length / 2 + 2 * $('mask').width]];
        return {...count, corner, middle};
      })()""")
    assert (changed["corner"], changed["middle"]) == (0, 255), f"the mask is not white where it was painted: {changed}"
    header = page.evaluate("album.items[0].mask.slice(25, 26).arrayBuffer().then(bytes => new Uint8Array(bytes)[0])")
    assert header == 2, f"the mask has PNG color type {header}: the server would look at its alpha channel alone"
    assert before != newest_image(page) and changed["kept"] == 0, f"changed outside the mask: {changed}"
    assert changed["white"] > 50 and changed["painted"] > changed["white"] / 2, changed


def finger_and_pen_paint(page):
    page.click("#gallery button")
    page.click("#edit")
    x, y, width, height = page.box("#mask")
    line = [(x + width * share, y + height * 0.4) for share in (0.2, 0.4, 0.6, 0.8)]
    painted = []
    for stroke in (page.touch, lambda points: page.drag(points, "pen")):
        stroke(line)
        painted.append(page.evaluate("board.strokes.map(stroke => Math.max(...stroke.points.map(([x]) => x)) > 20)"))
        page.click("#wipe")
    assert painted == [[True], [True]], f"strokes of finger and pen: {painted}"
    page.key("Escape")
    page.until("!document.querySelector('#editor').open")


def variations_and_history(page):
    page.click("#gallery button")
    page.click("#vary")
    wait_for_images(page, 8)
    assert "variation" in page.evaluate("document.querySelector('#gallery small').textContent")
    page.open(page.evaluate("location.href"))
    page.until(f"{IMAGES} === 8")
    page.until("document.querySelector('#model').textContent !== ''")


def interpolation_slides(page):
    page.click("#gallery button")
    page.click("#as-from")
    fill(page, "#to input", "a green star")
    fill(page, "#frames", "3")
    page.click("#make-frames")
    page.until(f"document.querySelector('#position').max === '2' && {IDLE}", 60)
    shown = "document.querySelector('#film img').src"
    page.until("document.activeElement.id === 'position'")
    page.key("Home")
    sources = [page.evaluate(shown)]
    for _ in range(2):
        page.key("ArrowRight")
        sources.append(page.evaluate(shown))
    assert len(set(sources)) == 3, "the slider shows the same frame twice"
    assert page.evaluate("document.querySelector('#position').getAttribute('aria-valuetext')") == "100 percent"
    page.click("#film-keep")
    wait_for_images(page, 9)
    page.click("#gallery button")
    command = page.evaluate("document.querySelector('#command').value")
    expected = r"unclip interpolate image:\S+\.png 'text:a green star' --frames 3 --seed \d+( --\S+-steps 3)*"
    assert re.fullmatch(expected, command), command
    page.key("Escape")


def errors_are_shown(page):
    fill(page, "#prompt", "x")
    page.evaluate("info.tasks.generate.path = 'ui/edit'")  # JSON where a form is expected
    page.click("#create .primary")
    page.until("document.querySelector('.job .error')?.textContent")
    page.click(".job button")
    page.until(IDLE)
    page.complaints[:] = [text for text in page.complaints if "Failed to load resource" not in text]
    page.evaluate("info.tasks.generate.path = 'ui/generate'")


def fits_everywhere(page, folder):
    looks = {}
    for scheme in ("light", "dark"):
        page.prefer(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
        looks[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
        for width, height in ((1280, 900), (360, 740)):
            page.resize(width, height, mobile=width < 500)
            page.evaluate("window.scrollTo(0, 0)")
            for name, opener in (("page", ""), ("viewer", "openViewer"), ("editor", "openEditor")):
                page.evaluate(f"{opener}(album.items[2]); 0")
                wide = page.evaluate("""Math.max(document.documentElement.scrollWidth,
                    ...[...document.querySelectorAll('dialog[open]')].map(d => d.scrollWidth))""")
                assert wide <= width, f"{name} is {wide} px wide at {width} px"
                if folder:
                    page.screenshot(f"{folder}/{name}-{scheme}-{width}.png")
                page.evaluate("document.querySelector('dialog[open]')?.close()")
    assert looks["light"] != looks["dark"], looks
    moving = page.evaluate("document.getAnimations().length")
    assert moving == 0, f"{moving} animations in spite of reduced motion"
    page.resize(1280, 900)


def clear_empties(page):
    page.click("#clear")
    page.click("#confirm [value=no]")
    assert page.evaluate(IMAGES) == 9
    page.click("#clear")
    page.click("#confirm [value=yes]")
    page.until(f"{IMAGES} === 0")
    page.until("album.settled(album.store().count()).then(count => count === 0)")
    page.open(page.evaluate("location.href"))
    page.until("document.querySelector('#model').textContent !== ''")
    assert page.evaluate(IMAGES) == 0, "cleared images come back"


def key_is_asked_for(page):
    page.until("document.querySelector('#model').textContent !== ''")
    assert not page.evaluate("document.querySelector('#ask-key').open"), "a key is asked for before it is needed"
    page.type("a red circle")
    page.key("Enter")
    page.until("document.querySelector('#ask-key').open")
    for key in ("not-the-key-of-this-server", KEY):
        page.until("document.activeElement.id === 'key'")
        page.type(key)
        page.key("Enter")
        page.until(f"document.querySelector('#key-trouble').textContent || {IMAGES}")
    wait_for_images(page, 1)
    stored = page.evaluate("JSON.stringify(localStorage) + document.cookie")
    assert KEY not in stored, "the key outlives the tab"


def asks_nobody_else(page, url):
    elsewhere = [request for request in page.requests if not request.startswith((url, f"blob:{url}", "data:"))]
    assert not elsewhere, f"requests to other places: {elsewhere}"


def main(unclip, data, screenshots=None):
    unclip = os.path.abspath(unclip)
    chromium = find_chromium()
    if not chromium:
        print("skipped: Chromium is not installed (Debian: chromium)")
        return 77
    if subprocess.run([unclip, "serve", "--help"], capture_output=True).returncode != 0:
        print("skipped: this program has no verb `serve`")
        return 77
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as room:
        model = tiny_model(pathlib.Path(data).resolve(), pathlib.Path(room) / "model")
        keys = pathlib.Path(room) / "keys"
        keys.touch(mode=0o600)
        keys.write_text(KEY + "\n")

        def check(what, *more):
            what(page, *more)
            print("ok", what.__name__, flush=True)

        with served(unclip, model) as url, Page(chromium, room) as page:
            page.resize(1280, 900)
            page.open(url)
            for what in (loads_quietly, enter_generates, keyboard_alone_is_enough):
                check(what)
            check(command_makes_the_same_image, unclip, model)
            for what in (mouse_paints_a_mask, finger_and_pen_paint, variations_and_history, interpolation_slides,
                         errors_are_shown):
                check(what)
            check(fits_everywhere, screenshots)
            check(clear_empties)
            check(asks_nobody_else, url)
            assert not page.complaints, f"the console says {page.complaints}"
        with served(unclip, model, "--keys", keys) as url, Page(chromium, room) as page:
            page.open(url)
            check(key_is_asked_for)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

#!/usr/bin/env python3
"""Looks at the built pages in Chromium: test_pages.py FOLDER_OF_PAGES [FOLDER_FOR_SCREENSHOTS]

Needs the programs chromium and chromedriver, and the package selenium. Pages are served by this
program, and nothing is fetched from anywhere else.
"""

import functools
import http.server
import shutil
import sys
import threading
import unittest
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

folder = Path(".")
screenshots = None
pages = (
    "doc/index",
    "doc/gallery",
    "doc/guide/ten_minutes",
    "doc/guide/howto_kstep",
    "doc/user/fix_kstep_hybrid",
    "doc/user/pair_mlff",
    "doc/studies/study-ethanol",
    "doc/api/index",
    "doc/api/cpp_graph",
    "README",
)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        handler = functools.partial(Quiet, directory=str(folder))
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.server.server_close)
        cls.addClassCleanup(cls.server.shutdown)
        cls.top = f"http://127.0.0.1:{cls.server.server_port}"
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for word in (
            "--headless=new",
            "--no-sandbox",  # containers run as root
            "--disable-dev-shm-usage",
            "--disable-gpu",
            # scripts of other sites, such as that for formulas, are not waited for
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ):
            options.add_argument(word)
        service = Service(shutil.which("chromedriver"))
        cls.browser = webdriver.Chrome(options=options, service=service)
        cls.addClassCleanup(cls.browser.quit)

    def open(self, page, width=1300, height=900):
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        self.browser.get(f"{self.top}/{page}.html")

    def shoot(self, name):
        if screenshots:
            self.browser.save_screenshot(str(screenshots / f"{name.replace('/', '-')}.png"))

    def run_script(self, text):
        return self.browser.execute_script(f"return {text}")

    def test_the_first_page(self):
        self.open("index")
        WebDriverWait(self.browser, 20).until(lambda b: "/doc/index.html" in b.current_url)
        self.assertIn("mlff", self.browser.title)
        text = self.browser.find_element(By.TAG_NAME, "article").text
        for title in ("Ten minutes", "Install", "Gallery"):
            self.assertIn(title, text)
        self.shoot("first")
        card = self.browser.find_element(By.CSS_SELECTOR, "article a[href='guide/ten_minutes.html']")
        self.browser.execute_script("arguments[0].click()", card)
        WebDriverWait(self.browser, 20).until(lambda b: "ten_minutes" in b.current_url)

    def test_every_picture_is_there(self):
        for page in pages:
            self.open(page)
            self.run_script(
                "document.querySelectorAll('article img').forEach(i => i.loading = 'eager')"
            )
            images = "[...document.querySelectorAll('article img')]"
            WebDriverWait(self.browser, 20).until(
                lambda b: self.run_script(f"{images}.every(i => i.complete)")
            )
            empty = self.run_script(
                f"{images}.filter(i => i.naturalWidth == 0).map(i => i.getAttribute('src'))"
            )
            self.assertEqual(empty, [], page)
        self.open("doc/gallery")
        self.assertGreater(self.run_script("document.querySelectorAll('article img').length"), 5)
        self.shoot("doc/gallery")

    def test_search_finds_a_word(self):
        for word, page in (("metropolis", "fix_kstep_hybrid"), ("rendezvous", "replicas")):
            self.open("search")
            self.browser.get(f"{self.top}/search.html?q={word}")
            WebDriverWait(self.browser, 20).until(
                lambda b: b.find_elements(By.CSS_SELECTOR, "#search-results li a")
            )
            WebDriverWait(self.browser, 20).until(
                lambda b: page in b.find_element(By.ID, "search-results").get_attribute("innerHTML")
            )
        self.shoot("search")
        self.browser.get(f"{self.top}/search.html?q=xyzzyplugh")
        WebDriverWait(self.browser, 20).until(
            lambda b: "did not match" in b.find_element(By.ID, "search-results").text
        )

    def test_a_guide(self):
        self.open("doc/guide/ten_minutes")
        self.assertEqual(self.browser.find_element(By.TAG_NAME, "h1").text.rstrip("¶#"), "Ten minutes")
        sidebar = self.browser.find_element(By.CSS_SELECTOR, ".sidebar-tree").text
        self.assertIn("fix kstep/hybrid", sidebar)
        self.assertGreater(len(self.browser.find_elements(By.CSS_SELECTOR, "button.copybtn")), 3)
        for page in pages:
            self.open(page)
            self.shoot(page)

    def test_a_narrow_window_does_not_scroll_sideways(self):
        for page in pages:
            self.open(page, width=375, height=740)
            # the theme hides what is too wide for the window, and scrolls its own frame instead
            widest = self.run_script(
                "Math.max(...['html', '.content', 'article'].map("
                "name => document.querySelector(name).scrollWidth))"
            )
            self.shoot(f"narrow-{page}")
            self.assertLessEqual(widest, 375, page)

    def test_code_has_colours(self):
        self.open("doc/user/pair_mlff")
        self.assertTrue(self.browser.find_elements(By.CSS_SELECTOR, ".highlight .k"))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    folder = Path(sys.argv[1]).resolve()
    if len(sys.argv) == 3:
        screenshots = Path(sys.argv[2])
        screenshots.mkdir(parents=True, exist_ok=True)
    unittest.main(argv=sys.argv[:1], verbosity=1)

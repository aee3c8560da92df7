"""Downloads that break and go on, and what Google Drive answers."""

import pytest

from runtime.errors import FetchError
from train.download import DownloadSettings, direct_url, download, drive_file_id
from train.fetch import fetch

from .archive_server import Behaviour, serving
from .archives import GOOD, QUICK, noise, zip_of


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_a_broken_connection_is_resumed_where_it_broke(tmp_path):
    content = noise(900_000)
    server = Behaviour(content, break_after=[300_000, 200_000])
    with serving(server) as url:
        download(f"{url}/a.zip", tmp_path / "a", QUICK)
    assert (tmp_path / "a").read_bytes() == content
    assert [asked for _, asked in server.requests] == [None, "bytes=300000-", "bytes=500000-"]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_second_call_goes_on_with_the_part_of_the_first(tmp_path):
    content = noise(900_000)
    server = Behaviour(content, break_after=[400_000], statuses=[])
    with serving(server) as url:
        with pytest.raises(FetchError, match=r"broke off at 400,000 of 900,000.*Run the same command again"):
            download(f"{url}/a", tmp_path / "a", DownloadSettings(10_000_000, 5, attempts=1, wait_s=0))
        download(f"{url}/a", tmp_path / "a", QUICK)
    assert (tmp_path / "a").read_bytes() == content
    assert server.requests[-1][1] == "bytes=400000-"


def test_a_server_that_ignores_ranges_restarts_cleanly(tmp_path):
    content = noise(500_000)
    server = Behaviour(content, keeps_ranges=False, break_after=[300_000])
    with serving(server) as url:
        download(f"{url}/a", tmp_path / "a", QUICK)
    assert (tmp_path / "a").read_bytes() == content


def test_a_server_that_always_breaks_at_one_place_is_given_up(tmp_path):
    server = Behaviour(noise(500_000), keeps_ranges=False, break_after=[300_000] * 20)
    with serving(server) as url, pytest.raises(FetchError, match="gave up after 3 attempts"):
        download(f"{url}/a", tmp_path / "a", QUICK)
    assert len(server.requests) == 3
    assert not (tmp_path / "a").exists()


def test_another_version_on_the_server_starts_afresh(tmp_path):
    old, new = noise(400_000), noise(500_000)[::-1]
    server = Behaviour(old, break_after=[250_000])
    with serving(server) as url:
        with pytest.raises(FetchError):
            download(f"{url}/a", tmp_path / "a", DownloadSettings(10_000_000, 5, attempts=1, wait_s=0))
        server.content, server.etag = new, '"v2"'
        download(f"{url}/a", tmp_path / "a", QUICK)
    assert (tmp_path / "a").read_bytes() == new


def test_without_a_version_nothing_is_continued(tmp_path):
    content = noise(500_000)
    server = Behaviour(content, etag="", break_after=[250_000])
    with serving(server) as url:
        download(f"{url}/a", tmp_path / "a", QUICK)
    assert (tmp_path / "a").read_bytes() == content
    assert [asked for _, asked in server.requests] == [None, None]


def test_a_range_that_was_not_asked_for_is_not_joined(tmp_path):
    content = noise(500_000)
    server = Behaviour(content, break_after=[250_000], wrong_range=True)
    with serving(server) as url:
        download(f"{url}/a", tmp_path / "a", QUICK)
    assert (tmp_path / "a").read_bytes() == content


def test_a_part_that_is_whole_already_is_taken(tmp_path):
    content = noise(1000)
    (tmp_path / "a.part").write_bytes(content)
    with serving(Behaviour(content)) as url:
        (tmp_path / "a.part.json").write_text(f'{{"source": "{url}/a", "version": "\\"v1\\""}}')
        download(f"{url}/a", tmp_path / "a", QUICK)
    assert (tmp_path / "a").read_bytes() == content


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not(tmp_path):
    busy = Behaviour(b"content", statuses=[503, 429])
    with serving(busy) as url:
        download(f"{url}/a", tmp_path / "a", QUICK)
    assert len(busy.requests) == 3
    missing = Behaviour(b"content", statuses=[404] * 9)
    with serving(missing) as url, pytest.raises(FetchError, match="404"):
        download(f"{url}/b", tmp_path / "b", QUICK)
    assert len(missing.requests) == 1


@pytest.mark.parametrize("says_length", [True, False])
def test_more_than_the_limit_is_refused_and_removed(tmp_path, says_length):
    server = Behaviour(noise(2_000_000), says_length=says_length)
    with serving(server) as url, pytest.raises(FetchError, match="over the limit of 1,000,000"):
        download(f"{url}/a", tmp_path / "a", DownloadSettings(1_000_000, 5, attempts=1, wait_s=0))
    assert list(tmp_path.iterdir()) == []


def test_a_refused_connection_is_a_sentence(tmp_path):
    with serving(Behaviour(b"")) as url:
        pass
    with pytest.raises(FetchError, match="connection failed"):
        download(f"{url}/a", tmp_path / "a", DownloadSettings(1000, 5, attempts=2, wait_s=0))


def test_a_redirect_to_a_local_file_is_not_followed(tmp_path):
    with serving(Behaviour(b"")) as url, pytest.raises(FetchError):
        download(f"{url}/redirect", tmp_path / "a", QUICK)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    "link",
    [
        "https://drive.google.com/file/d/1AbC_d-EfGhIjKlMn/view?usp=sharing",
        "https://drive.google.com/file/u/0/d/1AbC_d-EfGhIjKlMn/edit",
        "https://drive.google.com/open?id=1AbC_d-EfGhIjKlMn",
        "https://drive.google.com/uc?export=download&id=1AbC_d-EfGhIjKlMn",
        "https://drive.usercontent.google.com/download?id=1AbC_d-EfGhIjKlMn&confirm=t",
    ],
)
def test_every_form_of_a_drive_link_gives_the_download_address(link):
    assert drive_file_id(link) == "1AbC_d-EfGhIjKlMn"
    assert direct_url(link) == (
        "https://drive.usercontent.google.com/download?id=1AbC_d-EfGhIjKlMn&export=download&confirm=t"
    )


def test_the_resource_key_of_an_old_drive_link_is_kept():
    link = "https://drive.google.com/file/d/1AbC_d-EfGhIjKlMn/view?resourcekey=0-xyz"
    assert direct_url(link).endswith("&resourcekey=0-xyz")


@pytest.mark.parametrize(
    "link", ["https://drive.google.com/drive/folders/1AbC_d-EfGhIjKlMn", "https://drive.google.com/open"]
)
def test_a_drive_link_without_a_file_is_refused(link):
    with pytest.raises(FetchError, match="no single Drive file"):
        direct_url(link)


def test_other_links_are_left_alone_and_other_schemes_refused():
    assert drive_file_id("https://example.org/file/d/1AbC_d-EfGhIjKlMn/view") is None
    assert direct_url("https://example.org/x.zip?id=1") == "https://example.org/x.zip?id=1"
    for link in ("ftp://example.org/x.zip", "file:///x.zip", "https:///x.zip"):
        with pytest.raises(FetchError, match="expected an http"):
            direct_url(link)


CONFIRM_PAGE = """<form id="download-form" action="https://drive.usercontent.google.com/download" method="get">
<input type="submit" value="Download anyway"/><input type="hidden" name="id" value="1AbC_d-EfGhIjKlMn">
<input type="hidden" name="export" value="download"><input type="hidden" name="confirm" value="t">
<input type="hidden" name="uuid" value="a&amp;b"></form>"""


def test_the_drive_confirmation_page_is_answered(tmp_path):
    server = Behaviour(zip_of(GOOD), drive_page=CONFIRM_PAGE)
    with serving(server) as url:
        settings = DownloadSettings(10_000_000, 5, attempts=3, wait_s=0, drive_url=f"{url}/download")
        fetched = fetch("https://drive.google.com/open?id=1AbC_d-EfGhIjKlMn", tmp_path / "out", settings=settings)
    assert fetched.files == 3
    assert [path for path, _ in server.requests] == [
        "/download?id=1AbC_d-EfGhIjKlMn&export=download&confirm=t",
        "/download?id=1AbC_d-EfGhIjKlMn&export=download&confirm=t&uuid=a%26b",
    ]


def test_a_drive_page_that_is_no_confirmation_is_a_sentence(tmp_path):
    with serving(Behaviour(b"", drive_page="<html>Sign in</html>")) as url:
        settings = DownloadSettings(10_000_000, 5, attempts=3, wait_s=0, drive_url=f"{url}/download")
        with pytest.raises(FetchError, match="Drive sent a page"):
            fetch("https://drive.google.com/open?id=1AbC_d-EfGhIjKlMn", tmp_path / "out", settings=settings)

import io

import pytest

from dicomhub.embedded.output import LineSplitter, LineStream, Output, style_for


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "log_format", "environ", "style"),
    [
        (Terminal(), "console", {}, "colour"),
        (Terminal(), "console", {"NO_COLOR": "1"}, "plain"),
        (io.StringIO(), "console", {}, "plain"),
        (Terminal(), "json", {}, "bare"),
    ],
)
def test_colour_is_for_terminals_and_json_is_left_as_it_is(stream, log_format, environ, style) -> None:
    assert style_for(stream, log_format=log_format, environ=environ) == style


def test_names_are_as_wide_as_the_widest() -> None:
    stream = io.StringIO()
    output = Output(stream, ["scp", "background"], style="plain")
    output.line("scp", "here")
    output.line("background", "there")
    assert stream.getvalue() == "scp        | here\nbackground | there\n"


def test_each_process_has_a_colour_and_the_text_has_none() -> None:
    stream = io.StringIO()
    output = Output(stream, ["scp", "web"], style="colour")
    output.line("scp", "here")
    output.line("web", "there")
    assert stream.getvalue() == "\x1b[36mscp |\x1b[0m here\n\x1b[33mweb |\x1b[0m there\n"


def test_a_logging_stream_writes_whole_lines_only() -> None:
    stream = io.StringIO()
    lines = LineStream(Output(stream, ["launcher"], style="bare"), "launcher")
    lines.write("half a ")
    assert stream.getvalue() == ""
    lines.write("line\n")
    assert stream.getvalue() == "half a line\n"


def test_lines_are_cut_out_of_any_chunks() -> None:
    text = "eins\nzwei\r\nÜmläut\n".encode()
    for size in range(1, len(text) + 1):
        splitter = LineSplitter()
        lines = [line for at in range(0, len(text), size) for line in splitter.feed(text[at : at + size])]
        assert lines == ["eins", "zwei", "Ümläut"]
        assert splitter.end() == []


def test_a_line_without_an_end_is_cut_and_the_last_one_is_kept() -> None:
    splitter = LineSplitter(most_bytes=10)
    assert splitter.feed(b"x" * 25) == ["x" * 25]
    assert splitter.feed(b"rest") == []
    assert splitter.end() == ["rest"]

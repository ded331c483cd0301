"""What the user chose: when it stands in the URL, and how code sets and forgets it."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def page() -> None:
    """What each test draws; a function of its own, because its text becomes the app."""
    import streamlit as st

    from dashboard import selection

    selection.restore()
    if st.button("put"):
        selection.put("page-x", ["3", "9"])
        selection.put("plain", "b")
        selection.put("plain-too", "b")
    if st.button("drop"):
        selection.drop("typed")
        selection.drop("plain")
    selection.one("Plain", ["a", "b"], name="plain")
    selection.one("Beside", ["a", "b"], name="plain-too", draw=st.radio)
    selection.one("Newest", ["a", "b"], name="newest", always_in_url=True)
    selection.several("Some", ["a", "b"], name="some", default=["a"])
    selection.several("Some of many", ["a", "b"], name="many", default=["a"], always_in_url=True)
    typed = selection.words("Typed", name="typed")
    st.text(f"page {selection.page(9, name='page-x')}, typed {typed!r}")
    selection.publish()


def opened(**query: str | list[str]) -> AppTest:
    at = AppTest.from_function(page)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def in_url(at: AppTest) -> dict[str, list[str]]:
    return {name: list(at.query_params[name]) for name in at.query_params}


def pressed(at: AppTest, label: str) -> AppTest:
    return next(button for button in at.button if button.label == label).click().run()


def test_a_default_that_may_change_always_stands_in_the_url() -> None:
    at = opened()
    assert not at.exception and in_url(at) == {"newest": ["a"], "many": ["a"]}
    at.selectbox[0].set_value("b").run()
    assert in_url(at) == {"newest": ["a"], "many": ["a"], "plain": ["b"]}
    assert opened(newest="b").selectbox[1].value == "b"


def test_the_url_counts_only_at_the_start_of_a_session() -> None:
    at = opened(plain="b")
    assert at.selectbox[0].value == "b"
    at.query_params["plain"] = "a"
    assert at.run().selectbox[0].value == "b" and in_url(at)["plain"] == ["b"]


def test_what_code_sets_shows_in_every_widget_of_that_name_and_in_no_other() -> None:
    at = opened(newest="b")
    pressed(at, "put")
    assert not at.exception and at.text[0].value == "page 3, typed ''"
    assert [box.value for box in at.selectbox] == ["b", "b"] and at.radio[0].value == "b"
    assert in_url(at)["page-x"] == ["3", "9"]


def test_what_code_forgets_is_the_default_again_also_where_it_was_typed() -> None:
    at = opened(plain="b", newest="b")
    at.text_input[0].set_value("somebody").run()
    assert at.text[0].value == "page 1, typed 'somebody'"
    pressed(at, "drop")
    assert at.text[0].value == "page 1, typed ''" and [box.value for box in at.selectbox] == ["a", "b"]
    assert "plain" not in in_url(at)

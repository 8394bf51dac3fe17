//! The grammar itself: nothing makes it panic, and what is printed says what was read.

use proptest::prelude::*;
use std::sync::Arc;
use taffrail_rules::falco::parse;
use taffrail_rules::falco::syntax::{Object, Operator, Subject, Syntax, Word};
use taffrail_rules::operand::Transform;
use taffrail_rules::problem::Place;
use taffrail_rules::source::Source;

fn place() -> Place {
    Place { file: Arc::from("f"), line: 1, column: 1 }
}

fn parsed(text: &str) -> Result<Syntax, String> {
    parse::condition(&Source::at(text, place())).map_err(|problem| problem.to_string())
}

fn word(text: String, quoted: bool) -> Word {
    Word { text, quoted, place: place() }
}

fn any_word() -> impl Strategy<Value = Word> {
    prop_oneof![
        "[a-z0-9/._:<>-]{1,12}".prop_map(|text| word(text, false)),
        "[ -~\u{e9}\n]{0,12}".prop_map(|text| word(text, true)),
        ".{0,8}".prop_map(|text| word(text, true)),
    ]
}

fn any_subject() -> impl Strategy<Value = Subject> {
    let field = "(proc|evt|fd)\\.[a-z]{1,6}(\\.[a-z]{1,4})?(\\[[0-9]\\]|\\[[a-z/ .]{1,6}\\])?";
    (field, proptest::collection::vec(0..5usize, 0..3)).prop_map(|(field, transforms)| Subject {
        field: word(field, false),
        transforms: transforms.into_iter().map(|at| Transform::ALL[at]).collect(),
    })
}

fn any_comparison() -> impl Strategy<Value = Syntax> {
    let operator = (0..Operator::ALL.len()).prop_map(|at| Operator::ALL[at]);
    let objects = (any_word(), proptest::collection::vec(any_word(), 0..4), any_subject(), "[a-z_]{1,8}", 0..4u8);
    (any_subject(), operator, objects).prop_map(|(subject, operator, (one, many, other, name, which))| {
        let object = match (operator.takes_list(), which) {
            (_, 0) => Object::Field(other),
            (true, 1) => Object::Named(word(name, false)),
            (true, _) => Object::List(many),
            (false, _) => Object::Word(one),
        };
        Syntax::Compare(subject, operator, object)
    })
}

fn any_syntax() -> impl Strategy<Value = Syntax> {
    let macros = "[a-z]{2,8}".prop_filter("a word of the language", |name| {
        let own = ["and", "or", "not", "in", "exists", "contains", "glob", "regex", "val", "len"];
        !own.contains(&name.as_str())
    });
    let leaf = prop_oneof![
        any_comparison(),
        any_subject().prop_map(Syntax::Exists),
        macros.prop_map(|name| Syntax::Macro(word(name, false))),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Syntax::And),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Syntax::Or),
            inner.prop_map(|inner| Syntax::Not(Box::new(inner))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_what_it_was(syntax in any_syntax()) {
        let printed = syntax.to_string();
        let read = parsed(&printed);
        prop_assert_eq!(read.as_ref(), Ok(&syntax), "{}", printed);
        prop_assert_eq!(read.expect("it was read").to_string(), printed);
    }

    #[test]
    fn no_text_makes_the_grammar_panic(text in ".{0,200}") {
        let _ = parsed(&text);
    }

    #[test]
    fn no_text_of_its_own_words_makes_it_panic(
        words in proptest::collection::vec("and|or|not|\\(|\\)|in|=|!=|<|exists|contains|proc\\.name|fd\\.sip|evt\\.type|'a'|\"|\\[|,|val\\(|len\\(|x|10\\.0\\.0\\.1| ", 0..40),
    ) {
        let text = words.join(" ");
        let _ = parsed(&text);
        let _ = taffrail_rules::falco::filter(&text);
    }

    #[test]
    fn no_file_makes_it_panic(text in "[ -~\n]{0,300}") {
        let _ = taffrail_rules::load::load([("f", text.as_str())]);
    }

    #[test]
    fn no_file_that_looks_like_rules_makes_it_panic(
        lines in proptest::collection::vec("(- | {2}| {4})?(rule|macro|list|condition|items|desc|output|priority|append|override|exceptions|name|fields|values|comps|tags): ?(>|\\||\\[|a|\\[a, b\\]|'a'|proc\\.name = a|true|INFO|%proc\\.name %% %)?", 0..20),
    ) {
        let _ = taffrail_rules::load::load([("f", lines.join("\n").as_str())]);
    }

    #[test]
    fn a_fault_is_always_within_the_text(text in "[a-z.=()'\"\n ]{0,80}") {
        let file = format!("- macro: m\n  condition: |\n    {}\n", text.replace('\n', "\n    "));
        for problem in taffrail_rules::load::load([("f", file.as_str())]).problems {
            let lines: Vec<&str> = file.split('\n').collect();
            prop_assert!(problem.place.line >= 1 && problem.place.line <= lines.len(), "{}", problem);
            prop_assert!(problem.place.column <= lines[problem.place.line - 1].chars().count() + 2, "{}\n{}", problem, file);
        }
    }
}

#[test]
fn signs_stand_where_they_can_without_spaces() {
    for (text, printed) in [
        ("evt.dir=<", "evt.dir = <"),
        ("evt.dir=> and a.b>=3", "(evt.dir = > and a.b >= 3)"),
        ("a.b==c", "a.b = c"),
        ("a.b in(c,d)", "a.b in (c, d)"),
        ("proc.pname in (runc:[0:PARENT], exe)", "proc.pname in (runc:[0:PARENT], exe)"),
        ("not(a.b exists)and c", "(not a.b exists and c)"),
        ("a.b contains \"say \\\"hi\\\"\"", "a.b contains \"say \\\"hi\\\"\""),
        ("a.b regex '\\.so$'", "a.b regex \"\\\\.so$\""),
        ("a.b[ x y ] = 'it is'", "a.b[ x y ] = \"it is\""),
    ] {
        assert_eq!(parsed(text).expect(text).to_string(), printed);
    }
}

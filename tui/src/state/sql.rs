//! A question in SQL being written, its completion, and its answer. Asking is somebody else's: what is to be asked is
//! taken from here, and the answer is put here.

use super::State;
use super::recording::Time;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui_textarea::{CursorMove, TextArea};
use std::sync::Arc;
use std::time::Duration;

/// The most rows of an answer that are kept.
pub const ROWS_MAX: usize = 10_000;

/// A table or view, for completion.
#[derive(Clone, Debug)]
pub struct Relation {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
}

/// The rows of an answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The columns' names.
    pub columns: Vec<String>,
    /// The cells, raw; NULL is empty.
    pub rows: Vec<Vec<String>>,
    /// The time that a row tells, where it has one.
    pub times: Vec<Option<Time>>,
    /// How many rows there are, with those that are not kept.
    pub total: usize,
    /// How long it took.
    pub took: Duration,
}

/// What is to be done about questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Answer this one.
    Run(String),
    /// Stop answering.
    Cancel,
}

/// The words that fit what is being written.
#[derive(Clone, Debug)]
pub struct Completion {
    /// The words.
    pub words: Vec<String>,
    /// The one that is in the text.
    pub chosen: usize,
    /// How many characters of it stand before the cursor.
    length: usize,
}

/// The question and its answer.
#[derive(Clone, Debug)]
pub struct Sql {
    /// The editor.
    pub editor: TextArea<'static>,
    /// Keys go to the editor.
    pub editing: bool,
    /// What is offered.
    pub completion: Option<Completion>,
    /// A question is being answered.
    pub running: bool,
    /// The last answer, or why there is none.
    pub answer: Option<Result<Arc<Answer>, String>>,
    /// The chosen row, of the answer or of what there is to ask.
    pub row: usize,
    /// The first column shown.
    pub column: usize,
    /// What there is to ask.
    pub relations: Arc<[Relation]>,
    ask: Option<Ask>,
}

impl Default for Sql {
    fn default() -> Self {
        let first = "SELECT time, kind, comm, summary FROM timeline WHERE kind <> 'file'";
        let mut editor = TextArea::new(vec![first.to_owned()]);
        editor.move_cursor(CursorMove::End);
        editor.set_max_histories(200);
        Self {
            editor,
            editing: true,
            completion: None,
            running: false,
            answer: None,
            row: 0,
            column: 0,
            relations: Arc::default(),
            ask: None,
        }
    }
}

/// Words of the language that are worth completing.
const WORDS: [&str; 24] = [
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "ORDER BY",
    "LIMIT",
    "DISTINCT",
    "COUNT(*)",
    "BETWEEN",
    "LIKE",
    "ILIKE",
    "IS NULL",
    "IS NOT NULL",
    "JOIN",
    "LEFT JOIN",
    "USING",
    "HAVING",
    "DESC",
    "CASE WHEN",
    "MIN(",
    "MAX(",
    "SUM(",
    "UNION ALL",
    "WITH",
];

impl Sql {
    /// What is to be done, once.
    pub fn take_ask(&mut self) -> Option<Ask> {
        self.ask.take()
    }

    /// Puts an answer on the screen.
    pub fn answered(&mut self, answer: Result<Answer, String>) {
        self.running = false;
        (self.row, self.column) = (0, 0);
        self.editing = !matches!(&answer, Ok(answer) if !answer.rows.is_empty());
        self.answer = Some(answer.map(Arc::new));
    }

    /// The rows, where there are any.
    pub fn rows(&self) -> Option<&Answer> {
        self.answer.as_ref()?.as_ref().ok().map(AsRef::as_ref)
    }

    /// Whether what there is to ask is shown in place of an answer.
    pub fn lists_relations(&self) -> bool {
        self.answer.is_none() || self.is_blank()
    }

    fn is_blank(&self) -> bool {
        self.editor.lines().iter().all(|line| line.trim().is_empty())
    }

    /// Asks for all of the chosen table.
    pub(super) fn ask_relation(&mut self) {
        let Some(relation) = self.relations.get(self.row).filter(|_| !self.running) else { return };
        let question = format!("SELECT * FROM {} LIMIT 1000", relation.name);
        self.editor.clear();
        self.editor.insert_str(&question);
        self.run();
    }

    /// The first column shown moves.
    pub(super) fn shift(&mut self, by: i64) {
        let last = self.rows().map_or(0, |answer| answer.columns.len().saturating_sub(1)) as i64;
        self.column = (self.column as i64).saturating_add(by).clamp(0, last) as usize;
    }

    pub(super) fn step(&mut self, by: i64) {
        let rows = self.rows().map_or(0, |answer| answer.rows.len());
        let count = if self.lists_relations() { self.relations.len() } else { rows };
        let target = (self.row as i64).saturating_add(by);
        if target < 0 {
            self.editing = true;
        }
        self.row = usize::try_from(target.max(0)).unwrap_or(0).min(count.saturating_sub(1));
    }

    pub(super) fn row_time(&self) -> Option<Time> {
        self.rows()?.times.get(self.row).copied().flatten()
    }

    pub(super) fn row_text(&self) -> Option<String> {
        self.rows()?.rows.get(self.row).map(|row| row.join("\t"))
    }

    /// Stops what is being answered; false where nothing is.
    pub(super) fn cancel(&mut self) -> bool {
        if self.running {
            self.running = false;
            self.ask = Some(Ask::Cancel);
            self.answer = Some(Err("stopped".to_owned()));
            return true;
        }
        false
    }

    fn run(&mut self) {
        let text = self.editor.lines().join("\n");
        if !text.trim().is_empty() {
            self.completion = None;
            self.running = true;
            self.ask = Some(Ask::Run(text));
        }
    }

    /// The word before the cursor.
    fn word(&self) -> String {
        let cursor = self.editor.cursor();
        let line = self.editor.lines().get(cursor.0).map_or("", String::as_str);
        let before: Vec<char> = line.chars().take(cursor.1).collect();
        let word = before.iter().rev().take_while(|ch| ch.is_alphanumeric() || **ch == '_');
        word.collect::<Vec<_>>().into_iter().rev().collect()
    }

    /// The question until the word at the cursor.
    fn text_before(&self, word: &str) -> String {
        let cursor = self.editor.cursor();
        let mut text: String =
            self.editor.lines().iter().take(cursor.0).flat_map(|line| [line.as_str(), " "]).collect();
        let line = self.editor.lines().get(cursor.0).map_or("", String::as_str);
        text.extend(line.chars().take(cursor.1.saturating_sub(word.chars().count())));
        text
    }

    /// Completes the word before the cursor; once more takes the next that fits.
    fn complete(&mut self) {
        let next = match self.completion.take() {
            Some(completion) => {
                Completion { chosen: (completion.chosen + 1) % completion.words.len().max(1), ..completion }
            }
            None => {
                let word = self.word();
                let words = self.fitting(&word);
                Completion { words, chosen: 0, length: word.chars().count() }
            }
        };
        let Some(word) = next.words.get(next.chosen).cloned() else { return };
        for _ in 0..next.length {
            self.editor.delete_char();
        }
        self.editor.insert_str(&word);
        self.completion = Some(Completion { length: word.chars().count(), ..next });
    }

    /// What begins with `word`: where a table is to come, tables first; else columns, those of named tables first.
    fn fitting(&self, word: &str) -> Vec<String> {
        let text = self.editor.lines().join(" ");
        let named = |relation: &&Relation| {
            text.split(|ch: char| !ch.is_alphanumeric() && ch != '_')
                .any(|part| part.eq_ignore_ascii_case(&relation.name))
        };
        let columns = self.relations.iter().filter(named).flat_map(|relation| relation.columns.iter().cloned());
        let tables = self.relations.iter().map(|relation| relation.name.clone());
        let others = self.relations.iter().flat_map(|relation| relation.columns.iter().cloned());
        let upper = word.chars().all(|ch| !ch.is_lowercase());
        let words = WORDS.iter().map(|word| if upper { (*word).to_owned() } else { word.to_lowercase() });
        let fits = |known: &String| {
            known.len() > word.len() && known.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
        };
        let mut found: Vec<String> = Vec::new();
        let before = self.text_before(word);
        let last = before.split_whitespace().last().unwrap_or("");
        let tables_first = ["from", "join", "into", "table"].iter().any(|word| last.eq_ignore_ascii_case(word));
        let (first, second) =
            if tables_first { (tables.clone().collect(), Vec::new()) } else { (Vec::new(), tables.collect()) };
        let all = first.into_iter().chain(columns).chain(words).chain(others).chain(second);
        for known in all.filter(fits) {
            if !found.contains(&known) {
                found.push(known);
            }
        }
        found
    }
}

impl State {
    /// Whether keys go to the editor of the SQL view.
    pub fn sql_is_edited(&self) -> bool {
        self.view == super::View::Sql && self.sql.editing && !self.sql.running
    }

    /// A key for the editor.
    pub(super) fn edit_sql(&mut self, key: KeyEvent) {
        let sql = &mut self.sql;
        let held = key.modifiers - KeyModifiers::SHIFT;
        let last = sql.editor.cursor().0 + 1 == sql.editor.lines().len();
        let first = sql.editor.cursor().0 == 0;
        match (key.code, held) {
            (KeyCode::Tab, _) => return sql.complete(),
            (KeyCode::Enter, KeyModifiers::NONE) | (KeyCode::F(5), _) => return sql.run(),
            (KeyCode::Enter, _) => _ = sql.editor.insert_newline(),
            (KeyCode::Char('u'), KeyModifiers::CONTROL) => _ = sql.editor.delete_line_by_head(),
            // The first one only closes the words that are offered.
            (KeyCode::Esc, _) if sql.completion.as_ref().is_none_or(|words| words.words.len() < 2) => {
                sql.editing = false;
            }
            (KeyCode::Esc, _) => {}
            (KeyCode::Down, KeyModifiers::NONE) if last && (sql.rows().is_some() || sql.lists_relations()) => {
                sql.editing = false;
            }
            (KeyCode::Up, KeyModifiers::NONE) if first => {}
            _ => _ = sql.editor.input(key),
        }
        sql.completion = None;
    }
}

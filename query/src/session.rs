//! A session: bundles opened, tables and views in place, statements run.

use crate::error::QueryError;
use crate::output::{Format, Style, Writer, Written};
use crate::rows::{Rows, guarded, plain};
use crate::store::{OnlyEvidence, Store};
use crate::tables::{ADDED_COLUMNS, BUNDLE_TABLE};
use crate::{catalog, functions, tables, views, words};
use datafusion::arrow::array::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::Optimizer;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::sqlparser::ast::Statement as Ast;
use std::collections::VecDeque;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use taffrail_trace::bundle::{Bundle, OpenError, Verdict};
use taffrail_trace::schema::TABLES;

/// The memory that all queries of a session may use together. There is no spilling: beyond it, a query fails.
pub const MEMORY_MAX_BYTES: usize = 1 << 30;
/// From how many columns of a table on those of the conditions are read first; found by `cargo xtask bench query`.
const WIDE_COLUMNS: usize = 4;
/// How much of a table's end is read at first, in the hope that it holds the whole footer.
const FOOTER_GUESS_BYTES: usize = 32 << 10;

/// Open bundles that answer SQL.
///
/// ```text
/// tables     process, file, network, ...    the columns of their schema, then `bundle` and `host`
///            state_process, ...             likewise: the container at the trigger
///            bundle                         one row per open bundle; `id` is the value of the column `bundle`
/// views      see [`crate::VIEWS`]
/// functions  see [`crate::FUNCTIONS`] and [`crate::TABLE_FUNCTIONS`]
/// ```
///
/// Identical rows of overlapping bundles are all there; `bundle` tells them apart.
pub struct Session {
    bundles: Vec<Bundle>,
    labels: Vec<String>,
    store: Arc<Store>,
    files: words::Files,
    context: SessionContext,
}

/// A table or view as a person asks for it.
#[derive(Clone, Debug)]
pub struct Relation {
    /// Its name.
    pub name: String,
    /// Whether it is a view.
    pub is_view: bool,
    /// What a row is.
    pub doc: String,
    /// Its columns.
    pub columns: Vec<RelationColumn>,
}

/// A column of a [`Relation`].
#[derive(Clone, Debug)]
pub struct RelationColumn {
    /// Its name.
    pub name: String,
    /// Its type, as Arrow names it.
    pub kind: String,
    /// What it means.
    pub doc: String,
}

impl Session {
    /// Opens the bundles and puts tables and views in place. No event is read yet.
    ///
    /// # Errors
    /// [`QueryError::Open`] for the first file that is not a bundle, [`QueryError::NoBundle`] without any.
    pub async fn open(paths: &[PathBuf]) -> Result<Self, QueryError> {
        Self::of(paths.iter().map(|path| Bundle::open_stated(path)).collect::<Result<Vec<_>, _>>()?)
    }

    /// Opens those of the bundles that can be read, and says of the others why not. Of a single one its tables may be
    /// damaged: what is left of it still answers.
    ///
    /// # Errors
    /// [`QueryError::Open`] or [`QueryError::NoneOpen`] where not one can be read, [`QueryError::NoBundle`] without any.
    pub async fn open_readable(paths: &[PathBuf]) -> Result<(Self, Vec<OpenError>), QueryError> {
        if let [path] = paths {
            return Ok((Self::open(std::slice::from_ref(path)).await?, Vec::new()));
        }
        let (mut bundles, mut left_out) = (Vec::new(), Vec::new());
        for path in paths {
            match Bundle::open_stated(path) {
                Err(problem) => left_out.push(problem),
                Ok(bundle) => match tables::damage(&bundle) {
                    Some(problem) => left_out.push(problem),
                    None => bundles.push(bundle),
                },
            }
        }
        if bundles.is_empty() && !left_out.is_empty() {
            let reasons: Vec<String> = left_out.iter().map(ToString::to_string).collect();
            return Err(QueryError::NoneOpen(reasons.join("; ")));
        }
        Ok((Self::of(bundles)?, left_out))
    }

    fn of(bundles: Vec<Bundle>) -> Result<Self, QueryError> {
        if bundles.is_empty() {
            return Err(QueryError::NoBundle);
        }
        let labels = tables::labels(&bundles);
        let store = Arc::new(tables::store(&bundles, &labels));
        let setup = |error: QueryError| QueryError::Setup(error.to_string());
        let context = context(&store)?;
        catalog::register(&context).map_err(setup)?;
        tables::register(&context, &bundles, &labels).map_err(setup)?;
        Ok(Self { bundles, labels, store, files: words::Files::default(), context })
    }

    /// The open bundles, in the order in which they were named.
    pub fn bundles(&self) -> &[Bundle] {
        &self.bundles
    }

    /// What the column `bundle` says for each of [`Session::bundles`]: the id of its manifest, with a number where two
    /// have the same.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Bytes of events read from the bundles so far.
    pub fn read_bytes(&self) -> u64 {
        self.store.read_bytes()
    }

    /// Runs one query and gives all of its rows. There is always at least one batch, so that the columns are known.
    ///
    /// # Errors
    /// [`QueryError`], also where decoding a hostile table panics, or where the rows take more than [`MEMORY_MAX_BYTES`].
    pub async fn sql(&self, sql: &str) -> Result<Vec<RecordBatch>, QueryError> {
        self.rows(sql).await?.all().await
    }

    /// Runs one query; its rows come as they are asked for.
    ///
    /// # Errors
    /// [`QueryError`], also where decoding a hostile table panics.
    pub async fn rows(&self, sql: &str) -> Result<Rows<'_>, QueryError> {
        let mut statements = parse(sql)?;
        let count = statements.len();
        let Some(statement) = statements.pop_front().filter(|_| count == 1) else {
            return Err(QueryError::NotOne(count));
        };
        self.start(statement).await
    }

    /// Runs every statement of `sql`, `;` between them, and writes each answer to `out` while its rows come. Gives what
    /// was written per statement. Where one of them is not a query, none is run.
    ///
    /// # Errors
    /// [`QueryError::NotOne`] for none, and for several as Parquet; else the [`QueryError`] of the first statement that
    /// fails; what was written before stays written.
    pub async fn run(&self, sql: &str, style: &Style, out: &mut dyn Write) -> Result<Vec<Written>, QueryError> {
        let statements = parse(sql)?;
        // Two Parquet files after each other are none.
        if statements.is_empty() || (style.format == Format::Parquet && statements.len() > 1) {
            return Err(QueryError::NotOne(statements.len()));
        }
        let mut written = Vec::new();
        for statement in statements {
            let mut rows = self.start(statement).await?;
            let mut writer = Writer::new(rows.schema(), style, &mut *out)?;
            while let Some(batch) = rows.next().await? {
                writer.batch(&batch)?;
            }
            written.push(writer.finish()?);
        }
        Ok(written)
    }

    /// Every table and view with its columns and documentation.
    ///
    /// # Errors
    /// [`QueryError`] where the engine lost one, a fault of this program.
    pub async fn relations(&self) -> Result<Vec<Relation>, QueryError> {
        let mut relations = Vec::new();
        for table in TABLES {
            let documented = |column: &str| {
                let added = ADDED_COLUMNS.iter().map(|(name, doc)| (*name, *doc));
                let mut known = table.all_columns().map(|column| (column.name, column.doc)).chain(added);
                known.find(|(name, _)| *name == column).map(|(_, doc)| doc.to_owned()).unwrap_or_default()
            };
            relations.push(self.relation(table.name, false, table.doc.to_owned(), documented).await?);
        }
        let bundle = "One row per open bundle: what it is of, why and when it was sealed, and by what.".to_owned();
        relations.push(self.relation(BUNDLE_TABLE, false, bundle, tables::bundle_column_doc).await?);
        for view in views::VIEWS {
            relations.push(self.relation(view.name, true, view.doc(), |column| view.column_doc(column)).await?);
        }
        Ok(relations)
    }

    async fn relation(
        &self,
        name: &str,
        is_view: bool,
        doc: String,
        documented: impl Fn(&str) -> String,
    ) -> Result<Relation, QueryError> {
        let provider = self.context.table_provider(name).await?;
        let schema = provider.schema();
        let columns = schema.fields().iter().map(|field| RelationColumn {
            name: field.name().clone(),
            kind: plain(field.data_type()).to_string(),
            doc: documented(field.name()),
        });
        Ok(Relation { name: name.to_owned(), is_view, doc, columns: columns.collect() })
    }

    /// Plans a statement, refuses it where it is not a query, and starts it.
    async fn start(&self, statement: Statement) -> Result<Rows<'_>, QueryError> {
        let work = async {
            let mut state = self.context.state();
            let plan = state.statement_to_plan(statement).await?;
            // The second look: what hides inside a query, such as an INSERT in a WITH.
            let only_queries =
                SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
            only_queries.verify_plan(&plan)?;
            let plan = state.optimize(&plan)?;
            state.config_mut().options_mut().execution.parquet.pushdown_filters = reads_wide(&plan)?;
            let physical = state.query_planner().create_physical_plan(&plan, &state).await?;
            let footers = state.runtime_env().cache_manager.get_file_metadata_cache();
            let physical = words::read_words(physical, &self.files, footers.as_ref())?;
            let stream = execute_stream(physical, state.task_ctx())?;
            Ok(Rows::of(self, stream))
        };
        guarded(work).await.map_err(|error| self.placed(error.with_nearest_table(&names())))
    }

    /// Says of damage in which table of which bundle it is: one that cannot be read to its end, else one that is not what
    /// was sealed.
    pub(crate) fn placed(&self, error: QueryError) -> QueryError {
        let (QueryError::Damaged(message) | QueryError::Panicked(message)) = &error else { return error };
        if let Some(problem) = self.bundles.iter().find_map(Bundle::unreadable) {
            return QueryError::Damaged(taffrail_trace::text::shown(&problem.to_string()).into_owned());
        }
        let altered = |bundle: &&Bundle| !matches!(bundle.verify(), Ok(Verdict::Intact(_)));
        let paths: Vec<String> =
            self.bundles.iter().filter(altered).map(|bundle| bundle.path().display().to_string()).collect();
        if self.bundles.len() == 1 || paths.is_empty() {
            return error;
        }
        QueryError::Damaged(format!("{message}; altered: {}", taffrail_trace::text::shown(&paths.join(", "))))
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("bundles", &self.labels).finish_non_exhaustive()
    }
}

fn names() -> Vec<&'static str> {
    let tables = TABLES.iter().map(|table| table.name);
    tables.chain([BUNDLE_TABLE]).chain(views::VIEWS.iter().map(|view| view.name)).collect()
}

/// The statements in `sql`, each of a kind that only reads.
fn parse(sql: &str) -> Result<VecDeque<Statement>, QueryError> {
    let statements = DFParser::parse_sql(sql)?;
    for statement in &statements {
        if !only_reads(statement) {
            let shown = statement.to_string();
            let word = shown.split_whitespace().next().unwrap_or("this").to_uppercase();
            return Err(QueryError::ReadOnly(taffrail_trace::text::shown(&word).into_owned()));
        }
    }
    Ok(statements)
}

fn only_reads(statement: &Statement) -> bool {
    match statement {
        Statement::Explain(explain) => only_reads(&explain.statement),
        Statement::Statement(ast) => ast_only_reads(ast),
        _ => false,
    }
}

fn ast_only_reads(ast: &Ast) -> bool {
    match ast {
        Ast::Explain { statement, .. } => ast_only_reads(statement),
        Ast::Query(_)
        | Ast::ExplainTable { .. }
        | Ast::ShowTables { .. }
        | Ast::ShowColumns { .. }
        | Ast::ShowFunctions { .. }
        | Ast::ShowVariable { .. } => true,
        _ => false,
    }
}

/// Whether a table is read in so many columns that it pays to read first those by which rows are chosen, and the others only
/// where rows are left. Of few columns, choosing before reading costs more than it saves.
fn reads_wide(plan: &LogicalPlan) -> Result<bool, QueryError> {
    let mut is_wide = false;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            is_wide |= scan.projected_schema.fields().len() >= WIDE_COLUMNS;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(is_wide)
}

/// An engine that can read the store and nothing else, and write nowhere.
fn context(store: &Arc<Store>) -> Result<SessionContext, QueryError> {
    let mut config = SessionConfig::new().with_information_schema(true);
    let options = config.options_mut();
    options.execution.parquet.reorder_filters = true;
    options.execution.parquet.metadata_size_hint = Some(FOOTER_GUESS_BYTES);
    // Text is Utf8 everywhere, so that whoever reads the batches meets one type of it.
    options.execution.parquet.schema_force_view_types = false;
    options.sql_parser.map_string_types_to_utf8view = false;
    // The order of a view is part of it: `SELECT * FROM timeline` comes in order.
    options.sql_parser.enable_subquery_sort_elimination = false;
    let runtime = runtime(store)?;
    let mut rules = Optimizer::new().rules;
    // Before the rule that moves what is worked out of one column towards where that is read.
    let place = rules.iter().position(|rule| rule.name() == "extract_leaf_expressions").unwrap_or(rules.len());
    rules.insert(place, Arc::new(words::GroupByCodes { memory: Arc::clone(&runtime.memory_pool) }));
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features()
        .with_optimizer_rules(rules)
        .build();
    let context = SessionContext::new_with_state(state);
    functions::all().into_iter().for_each(|function| context.register_udf(function));
    Ok(context)
}

fn runtime(store: &Arc<Store>) -> Result<Arc<RuntimeEnv>, QueryError> {
    Ok(RuntimeEnvBuilder::new()
        .with_object_store_registry(Arc::new(OnlyEvidence(Arc::clone(store))))
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(MEMORY_MAX_BYTES)))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
        .build_arc()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::datatypes::DataType;
    use datafusion::logical_expr::{Volatility, create_udf};

    #[test]
    fn a_panic_while_rows_are_read_is_an_error_of_that_query() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = taffrail_trace::fixture::write_incident(dir.path());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
        let session = runtime.block_on(Session::open(&[path])).expect("a session");
        let faulty = create_udf(
            "faulty",
            vec![DataType::UInt32],
            DataType::UInt32,
            Volatility::Volatile,
            Arc::new(|_| panic!("no such page \u{1b}[31m")),
        );
        session.context.register_udf(faulty);
        // The aggregation makes the engine read in tasks of its own.
        for sql in ["SELECT faulty(pid) FROM process", "SELECT comm, max(faulty(pid)) FROM process GROUP BY comm"] {
            let problem = runtime.block_on(session.sql(sql)).expect_err("a panic");
            assert!(matches!(problem, QueryError::Panicked(_)), "{problem:?}");
            assert!(!problem.to_string().contains('\u{1b}'), "{problem}");
        }
        assert!(runtime.block_on(session.sql("SELECT 1")).is_ok(), "the session goes on");
    }
}

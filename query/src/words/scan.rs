//! The plan of a question, so that texts of which something is asked are read as words and keys.

use super::by_word::{by_words, columns_by_word};
use super::{is_text, words_type};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::metadata::CachedParquetMetaData;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfig, FileScanConfigBuilder, FileSource as _, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::projection::{ProjectionExpr, ProjectionExprs};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapterFactory, PhysicalExprAdapter, PhysicalExprAdapterFactory,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use object_store::path::Path;
use parquet::arrow::parquet_to_arrow_schema;
use parquet::basic::Encoding;
use parquet::file::metadata::ParquetMetaData;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A plan that does the same and asks of each word once. `footers` are those of the files that were planned with.
pub fn read_words(
    plan: Arc<dyn ExecutionPlan>,
    files: &Files,
    footers: &FileMetadataCache,
) -> Result<Arc<dyn ExecutionPlan>> {
    let asked_while_reading = plan.transform_up(|node| {
        Ok(match node.downcast_ref::<FilterExec>().map(asked_by_scan).transpose()?.flatten() {
            Some(filter) => Transformed::yes(filter),
            None => Transformed::no(node),
        })
    })?;
    let read = asked_while_reading.data.transform_up(|node| {
        Ok(
            match parquet(&node).map(|(config, source)| as_words(config, source, files, footers)).transpose()?.flatten()
            {
                Some(scan) => Transformed::yes(scan),
                None => Transformed::no(node),
            },
        )
    })?;
    Ok(read.data)
}

/// A plan that reads tables.
fn parquet(plan: &Arc<dyn ExecutionPlan>) -> Option<(&FileScanConfig, &ParquetSource)> {
    plan.downcast_ref::<DataSourceExec>()?.downcast_to_file_source::<ParquetSource>()
}

/// Whether a column of these expressions over a table is a text of its files, and can come as words.
fn is_text_of_file(source: &ParquetSource, column: &Column) -> bool {
    is_text_in(source.table_schema().file_schema(), column)
}

fn is_text_in(schema: &Schema, column: &Column) -> bool {
    let field = schema.fields().get(column.index());
    field.is_some_and(|field| field.name() == column.name() && is_text(field.data_type()))
}

/// A filter right above a scan: what it asks of a text is answered by the scan, and the text itself not read where nobody
/// else wants it.
fn asked_by_scan(filter: &FilterExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some((config, source)) = parquet(filter.input()) else { return Ok(None) };
    let Some(read) = source.projection() else { return Ok(None) };
    let read: Vec<&ProjectionExpr> = read.iter().collect();
    let is_text = |column: &Column| {
        let of_table = read.get(column.index()).and_then(|read| read.expr.downcast_ref::<Column>());
        of_table.is_some_and(|of_table| is_text_of_file(source, of_table))
    };
    let predicate = by_words(Arc::clone(filter.predicate()), &is_text)?;
    let mut asked: Vec<Arc<dyn PhysicalExpr>> = Vec::new();
    // Answers get places behind all columns first; which columns are still needed shows only then.
    let predicate = predicate.transform_down(|part| {
        if !part.is::<super::by_word::ByWord>() {
            return Ok(Transformed::no(part));
        }
        let at = asked.iter().position(|known| known == &part).unwrap_or(asked.len());
        if at == asked.len() {
            asked.push(part);
        }
        Ok(Transformed::yes(Arc::new(Column::new(&format!("__asked_{at}"), read.len() + at)) as Arc<dyn PhysicalExpr>))
    })?;
    if asked.is_empty() {
        return Ok(None);
    }
    let all: Vec<usize> = (0..read.len()).collect();
    let given: Vec<usize> = filter.projection().as_ref().map_or(all, |given| given.to_vec());
    let mut needed = given.clone();
    needed.extend(collect_columns(&predicate.data).iter().map(Column::index).filter(|at| *at < read.len()));
    needed.sort_unstable();
    needed.dedup();
    let places: HashMap<usize, usize> = needed.iter().enumerate().map(|(place, at)| (*at, place)).collect();
    let place = |at: usize| places.get(&at).copied().unwrap_or(needed.len() + at.saturating_sub(read.len()));

    let kept = needed.iter().filter_map(|at| read.get(*at).map(|read| (*at, *read)));
    let mut wanted: Vec<ProjectionExpr> = kept
        .map(|(at, read)| ProjectionExpr::new(Arc::new(Column::new(&read.alias, at)), read.alias.clone()))
        .collect();
    wanted.extend(asked.into_iter().enumerate().map(|(at, asked)| ProjectionExpr::new(asked, format!("__asked_{at}"))));
    let Some(source) = source.try_pushdown_projection(&ProjectionExprs::new(wanted))? else { return Ok(None) };
    let scan =
        DataSourceExec::from_data_source(FileScanConfigBuilder::from(config.clone()).with_source(source).build());
    let predicate = predicate.data.transform_up(|part| {
        Ok(match part.downcast_ref::<Column>() {
            Some(column) => {
                Transformed::yes(Arc::new(Column::new(column.name(), place(column.index()))) as Arc<dyn PhysicalExpr>)
            }
            None => Transformed::no(part),
        })
    })?;
    let given = given.into_iter().map(place).collect();
    let filter = FilterExecBuilder::from(filter)
        .apply_projection(None)?
        .with_input(scan)
        .with_predicate(predicate.data)
        .apply_projection(Some(given))?
        .build()?;
    Ok(Some(Arc::new(filter)))
}

/// A scan that reads the texts of which it is asked something as words; `None` where there are none.
fn as_words(
    config: &FileScanConfig,
    source: &ParquetSource,
    known: &Files,
    footers: &FileMetadataCache,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let is_text = |column: &Column| is_text_of_file(source, column);
    let mut texts = Vec::new();
    for read in source.projection().into_iter().flat_map(ProjectionExprs::iter) {
        columns_by_word(&by_words(Arc::clone(&read.expr), &is_text)?, &mut texts)?;
    }
    let mut source = source.clone();
    // Of a predicate that is only good for passing over row groups the texts' bounds are wanted, not their words.
    if source.table_parquet_options().global.pushdown_filters
        && let Some(predicate) = source.filter()
    {
        let predicate = by_words(predicate, &|column| is_text_of_file(&source, column))?;
        columns_by_word(&predicate, &mut texts)?;
        source = source.with_predicate(predicate);
    }
    if texts.is_empty() {
        return Ok(None);
    }
    let groups = config.file_groups.iter().map(|group| {
        let files = group.iter().map(|file| known.with_words(file, &texts, footers)).collect();
        match group.file_statistics(None) {
            Some(statistics) => FileGroup::new(files).with_statistics(Arc::new(statistics.clone())),
            None => FileGroup::new(files),
        }
    });
    let config = FileScanConfigBuilder::from(config.clone())
        .with_file_groups(groups.collect())
        .with_source(Arc::new(source))
        .with_expr_adapter(Some(Arc::new(AskedByWord)))
        .build();
    Ok(Some(DataSourceExec::from_data_source(config)))
}

/// Which columns of a file are words, from its footer: worked out once for all questions.
#[derive(Debug, Default)]
pub struct Files {
    known: Mutex<HashMap<Path, Option<Arc<Columns>>>>,
}

/// The columns of a file, each with whether the decoder can give it as words.
#[derive(Debug)]
struct Columns {
    schema: SchemaRef,
    are_words: Vec<bool>,
}

impl Files {
    fn columns(&self, file: &Path, footers: &FileMetadataCache) -> Option<Arc<Columns>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(columns) = known.get(file) {
            return columns.clone();
        }
        let footer = footers.get(file)?;
        let footer = footer.file_metadata.as_any().downcast_ref::<CachedParquetMetaData>()?;
        let columns = Columns::of(footer.parquet_metadata()).map(Arc::new);
        known.insert(file.clone(), columns.clone());
        columns
    }

    /// A file whose `texts` the decoder gives as words and keys, as far as that is how they are stored all through.
    fn with_words(&self, file: &PartitionedFile, texts: &[String], footers: &FileMetadataCache) -> PartitionedFile {
        match self.columns(&file.object_meta.location, footers) {
            Some(columns) => file.clone().with_arrow_schema(columns.with_words(texts)),
            None => file.clone(),
        }
    }
}

impl Columns {
    fn of(footer: &ParquetMetaData) -> Option<Self> {
        let file = footer.file_metadata();
        let schema = Arc::new(parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata()).ok()?);
        let are_words = |name: &str| {
            let columns = file.schema_descr().columns();
            let Some(at) = columns.iter().position(|column| column.path().parts() == [name]) else { return false };
            footer.row_groups().iter().all(|group| {
                let encodings = group.columns().get(at).and_then(|column| column.page_encoding_stats_mask());
                encodings.is_some_and(|pages| {
                    pages.is_only(Encoding::RLE_DICTIONARY) || pages.is_only(Encoding::PLAIN_DICTIONARY)
                })
            })
        };
        let fields = schema.fields().iter();
        let are_words = fields.map(|field| field.data_type() == &DataType::Utf8 && are_words(field.name())).collect();
        Some(Self { schema, are_words })
    }

    fn with_words(&self, texts: &[String]) -> SchemaRef {
        let fields = self.schema.fields().iter().zip(&self.are_words).map(|(field, are_words)| {
            if *are_words && texts.contains(field.name()) {
                Arc::new(Field::new(field.name(), words_type(), field.is_nullable()))
            } else {
                Arc::clone(field)
            }
        });
        Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), self.schema.metadata().clone()))
    }
}

/// Fits expressions to a file as the engine does. Those that a scan gives, and does not choose rows by, then ask by word.
#[derive(Debug)]
struct AskedByWord;

#[derive(Debug)]
struct Adapter {
    engine: Arc<dyn PhysicalExprAdapter>,
    table: SchemaRef,
}

impl PhysicalExprAdapterFactory for AskedByWord {
    fn create(&self, table: SchemaRef, file: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let engine = DefaultPhysicalExprAdapterFactory.create(Arc::clone(&table), file)?;
        Ok(Arc::new(Adapter { engine, table }))
    }
}

impl PhysicalExprAdapter for Adapter {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let is_text = |column: &Column| is_text_in(&self.table, column);
        let may_choose = expr.data_type(&self.table).is_ok_and(|kind| kind == DataType::Boolean);
        self.engine.rewrite(if may_choose { expr } else { by_words(expr, &is_text)? })
    }
}

//! What can be asked by name. A view, and the SQL of a table function, is planned when a question names it first: all of them take
//! ten times as long as opening a bundle.

use crate::error::QueryError;
use crate::functions::{Lineage, TABLE_FUNCTIONS};
use crate::views::{OLD_NAMES, VIEWS, View};
use async_trait::async_trait;
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider, TableProvider};
use datafusion::common::internal_err;
use datafusion::datasource::ViewTable;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Puts views and table functions in place, and makes room for tables.
///
/// # Errors
/// [`QueryError::Setup`], a fault of this program.
pub fn register(context: &SessionContext) -> Result<(), QueryError> {
    // The names are found through the engine's state, which must not be held by what it holds.
    let state = context.state_weak_ref();
    let state = Box::new(move || Some(state.upgrade()?.read().clone()));
    let functions = TABLE_FUNCTIONS.map(|view| Arc::new(Lineage { view, plan: OnceCell::new() }));
    for function in &functions {
        context.register_udtf(function.view.name, Arc::clone(function) as _);
    }
    let views = VIEWS.map(|view| (view.name, (view, OnceCell::new()))).into();
    let names = Names { tables: MemorySchemaProvider::new(), views, functions, state };
    let options = context.copied_config().options().catalog.clone();
    let catalog =
        context.catalog(&options.default_catalog).ok_or_else(|| QueryError::Setup("no catalog".to_owned()))?;
    catalog.register_schema(&options.default_schema, Arc::new(names))?;
    Ok(())
}

struct Names {
    tables: MemorySchemaProvider,
    views: BTreeMap<&'static str, (View, OnceCell<Arc<dyn TableProvider>>)>,
    functions: [Arc<Lineage>; TABLE_FUNCTIONS.len()],
    state: Box<dyn Fn() -> Option<SessionState> + Send + Sync>,
}

impl Names {
    async fn plan(&self, view: &View) -> Result<LogicalPlan> {
        match (self.state)() {
            Some(state) => state.create_logical_plan(view.sql).await,
            None => internal_err!("the session is gone"),
        }
    }
}

/// The name of today of a view that had another one.
fn of_today(name: &str) -> &str {
    OLD_NAMES.iter().find(|(old, _)| *old == name).map_or(name, |(_, new)| *new)
}

#[async_trait]
impl SchemaProvider for Names {
    fn table_names(&self) -> Vec<String> {
        let views = self.views.keys().copied().chain(OLD_NAMES.map(|(old, _)| old));
        self.tables.table_names().into_iter().chain(views.map(str::to_owned)).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if let Some((view, planned)) = self.views.get(of_today(name)) {
            let plan = async || {
                let plan = self.plan(view).await?;
                Ok(Arc::new(ViewTable::new(plan, Some(view.sql.to_owned()))) as Arc<dyn TableProvider>)
            };
            return planned.get_or_try_init(plan).await.map(|view| Some(Arc::clone(view)));
        }
        // The engine asks for all that a statement reads from, and calls a function later, when it cannot wait for a plan.
        if let Some(function) = self.functions.iter().find(|function| function.view.name == name) {
            function.plan.get_or_try_init(|| self.plan(&function.view)).await?;
            return Ok(None);
        }
        self.tables.table(name).await
    }

    fn register_table(&self, name: String, table: Arc<dyn TableProvider>) -> Result<Option<Arc<dyn TableProvider>>> {
        self.tables.register_table(name, table)
    }

    fn table_exist(&self, name: &str) -> bool {
        self.views.contains_key(of_today(name)) || self.tables.table_exist(name)
    }
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Names").field("tables", &self.tables).finish_non_exhaustive()
    }
}

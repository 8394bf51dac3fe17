//! `ancestors(exec_id)` and `descendants(exec_id)`: tables made by a query of their own, planned once.

use crate::error::QueryError;
use crate::views::View;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::plan_err;
use datafusion::datasource::ViewTable;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;
use std::sync::Arc;

/// Both, with the SQL that they stand for; `$1` is the argument.
pub const TABLE_FUNCTIONS: [View; 2] = [
    View { name: "ancestors", sql: include_str!("ancestors.sql") },
    View { name: "descendants", sql: include_str!("descendants.sql") },
];

/// Puts them in place, over tables that are there already.
///
/// # Errors
/// [`QueryError`], a fault of this program.
pub async fn register(context: &SessionContext) -> Result<(), QueryError> {
    for View { name, sql } in TABLE_FUNCTIONS {
        let plan = context.state().create_logical_plan(sql).await?;
        context.register_udtf(name, Arc::new(Lineage { name, plan }));
    }
    Ok(())
}

#[derive(Debug)]
struct Lineage {
    name: &'static str,
    plan: LogicalPlan,
}

impl TableFunctionImpl for Lineage {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let [Expr::Literal(value, _)] = args.exprs() else {
            return plan_err!("{0} takes one exec_id as a number, as in {0}(4832250825671486248)", self.name);
        };
        let Some(id) = exec_id(value) else {
            return plan_err!("{} takes an exec_id, a number from 0 to {}, and not {value}", self.name, u64::MAX);
        };
        let plan = self.plan.clone().with_param_values(vec![ScalarValue::UInt64(Some(id))])?;
        Ok(Arc::new(ViewTable::new(plan, None)))
    }
}

/// JSON has the numbers as text, so both are taken.
fn exec_id(value: &ScalarValue) -> Option<u64> {
    match value {
        ScalarValue::UInt64(Some(id)) => Some(*id),
        ScalarValue::Int64(Some(id)) => u64::try_from(*id).ok(),
        ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) => text.parse().ok(),
        _ => None,
    }
}

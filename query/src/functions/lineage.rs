//! `ancestors(exec_id)` and `descendants(exec_id)`: tables made by a query of their own, planned once, when the first
//! question names them.

use crate::views::View;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{internal_err, plan_err};
use datafusion::datasource::ViewTable;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::scalar::ScalarValue;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Both, with the SQL that they stand for; `$1` is the argument.
pub const TABLE_FUNCTIONS: [View; 2] = [
    View { name: "ancestors", sql: include_str!("ancestors.sql") },
    View { name: "descendants", sql: include_str!("descendants.sql") },
];

/// One of them.
#[derive(Debug)]
pub struct Lineage {
    pub view: View,
    /// The plan of its SQL, which it needs before it can be called.
    pub plan: OnceCell<LogicalPlan>,
}

impl TableFunctionImpl for Lineage {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let [Expr::Literal(value, _)] = args.exprs() else {
            return plan_err!("{0} takes one exec_id as a number, as in {0}(4832250825671486248)", self.view.name);
        };
        let Some(id) = exec_id(value) else {
            return plan_err!("{} takes an exec_id, a number from 0 to {}, and not {value}", self.view.name, u64::MAX);
        };
        let Some(plan) = self.plan.get() else {
            return internal_err!("{} was called before it was planned", self.view.name);
        };
        let plan = plan.clone().with_param_values(vec![ScalarValue::UInt64(Some(id))])?;
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

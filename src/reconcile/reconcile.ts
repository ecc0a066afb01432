export type { NextStep, Reconcile, ReconcilePolicy } from './step.ts'

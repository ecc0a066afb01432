export interface Violation {
  readonly invariant: string
  readonly message: string
}

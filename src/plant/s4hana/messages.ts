import { ODataError } from '../odata/odata-error.ts'

/**
 * Business messages as class and number, with the texts people know. `&1` to `&5` are filled in. Numbers follow the
 * message classes of inventory management; where a release says it differently, this table is the place.
 */
const MESSAGES = {
  movementTypeUnknown: ['M7/001', 'Movement type &1 does not exist'],
  movementTypeAutomatic: ['M7/080', 'Movement type &1 is posted by the system only'],
  codeWrong: ['M7/263', 'Movement type &1 is not allowed with goods movement code &2'],
  fieldMissing: ['M7/094', 'Enter &1 in item &2'],
  deficit: ['M7/021', 'Deficit of &1 &2 &3 : &4 &5'],
  orderedExceeded: ['M7/022', 'PO quantity exceeded by &1 &2 : &3 &4'],
  receivedExceeded: ['M7/024', 'Quantity received so far is less by &1 &2 : &3 &4'],
  countOpen: ['M7/030', 'Material &1 in storage location &2 is blocked for physical inventory document &3'],
  periodClosed: ['M7/053', 'Posting only possible in open periods; &1 is closed in plant &2'],
  alreadyCancelled: ['M7/061', 'Item &2 of material document &1 has already been reversed'],
  documentUnknown: ['M7/062', 'Document &1 &2 does not exist'],
  notReversible: ['M7/063', 'Material document &1 &2 cannot be reversed'],
  quantityInvalid: ['M7/064', 'Enter a quantity greater than zero in item &1'],
  noItems: ['M7/065', 'Document contains no items'],
  restrictsWhole: ['M7/185', 'The status of batch &1 changes for the whole batch of &2 &3; split the batch to restrict a part'],
  ewmManaged: ['M7/325', 'Storage location &1 &2 is managed by EWM warehouse &3; post the change there'],
  plantUnknown: ['M7/090', 'Plant &1 with storage location &2 does not exist'],
  sameBatch: ['M7/091', 'Sending and receiving stock of item &1 are the same'],
  materialUnknown: ['M3/305', 'The material &1 does not exist or is not activated'],
  materialLocked: ['M3/897', 'The plant data of material &1 is locked by the user &2'],
  batchMissing: ['M7/018', 'Enter a batch for material &1'],
  batchNotManaged: ['M7/019', 'Material &1 is not managed in batches'],
  batchUnknown: ['LB/001', 'Batch &1 of material &2 does not exist'],
  batchExists: ['LB/002', 'Batch &1 of material &2 already exists'],
  batchLocked: ['LB/050', 'Batch &1 of material &2 is being processed by user &3'],
  unitUnknown: ['M7/270', 'Unit &1 is not defined for material &2'],
  orderUnknown: ['06/019', 'Document &1 item &2 does not exist'],
  orderOtherMaterial: ['M7/155', 'Material &1 differs from material &2 of the purchase order item'],
  serialsWrong: ['IO/231', '&1 serial numbers are needed for material &2, &3 were given'],
  serialUnknown: ['IO/201', 'Serial number &1 of material &2 is not in this stock'],
  serialInStock: ['IO/202', 'Serial number &1 of material &2 is in stock already'],
  nothingToCount: ['M7/704', 'There is no stock of material &1 &2 in storage location &3'],
  notCounted: ['M7/703', 'Item &1 of physical inventory document &2 is not counted yet'],
  countPosted: ['M7/702', 'The differences of physical inventory document &1 &2 are posted already'],
  countUnknown: ['M7/701', 'Physical inventory document &1 &2 does not exist'],
} as const satisfies Readonly<Record<string, readonly [code: string, text: string]>>

export type MessageName = keyof typeof MESSAGES

/** The code on the wire, for tests and tables. */
export function codeOf(name: MessageName): string {
  return MESSAGES[name][0]
}

/** A business refusal: status 400 with class and number. */
export function refusal(name: MessageName, ...values: readonly string[]): ODataError {
  const [code, text] = MESSAGES[name]
  return new ODataError(
    400,
    code,
    text.replace(/&(\d)/g, (_, place: string) => values[Number(place) - 1] ?? ''),
  )
}

/** ONNX's messages as far as an importer needs them. Source: onnx/onnx.proto of the ONNX repository, IR version 10. */
import { type MessageType, many, one, readMessage } from "./wire.js";

export interface StringEntry {
  readonly key?: string;
  readonly value?: string;
}

export interface TensorProto {
  readonly dims: readonly number[];
  readonly data_type?: number;
  readonly segment?: unknown;
  readonly float_data: readonly number[];
  readonly int32_data: readonly number[];
  readonly string_data: readonly Uint8Array[];
  readonly int64_data: readonly number[];
  readonly name?: string;
  readonly raw_data?: Uint8Array;
  readonly double_data: readonly number[];
  readonly uint64_data: readonly number[];
  readonly external_data: readonly StringEntry[];
  readonly data_location?: number;
}

export interface AttributeProto {
  readonly name?: string;
  readonly ref_attr_name?: string;
  readonly type?: number;
  readonly f?: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly t?: TensorProto;
  readonly g?: GraphProto;
  readonly floats: readonly number[];
  readonly ints: readonly number[];
  readonly strings: readonly Uint8Array[];
  readonly tensors: readonly TensorProto[];
  readonly graphs: readonly GraphProto[];
  readonly sparse_tensor?: unknown;
}

export interface NodeProto {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name?: string;
  readonly op_type?: string;
  readonly domain?: string;
  readonly attribute: readonly AttributeProto[];
}

export interface DimensionProto {
  readonly dim_value?: number;
  readonly dim_param?: string;
}

export interface ValueInfoProto {
  readonly name?: string;
  readonly type?: {
    readonly tensor_type?: {
      readonly elem_type?: number;
      readonly shape?: { readonly dim: readonly DimensionProto[] };
    };
    readonly sequence_type?: unknown;
    readonly optional_type?: unknown;
    readonly map_type?: unknown;
    readonly sparse_tensor_type?: unknown;
  };
}

export interface GraphProto {
  readonly node: readonly NodeProto[];
  readonly name?: string;
  readonly initializer: readonly TensorProto[];
  readonly sparse_initializer: readonly unknown[];
  readonly input: readonly ValueInfoProto[];
  readonly output: readonly ValueInfoProto[];
}

export interface OperatorSetProto {
  readonly domain?: string;
  readonly version?: number;
}

export interface FunctionProto {
  readonly name?: string;
  readonly domain?: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly string[];
  readonly node: readonly NodeProto[];
  readonly opset_import: readonly OperatorSetProto[];
  readonly attribute_proto: readonly AttributeProto[];
}

export interface ModelProto {
  readonly ir_version?: number;
  readonly opset_import: readonly OperatorSetProto[];
  readonly producer_name?: string;
  readonly producer_version?: string;
  readonly graph?: GraphProto;
  readonly metadata_props: readonly StringEntry[];
  readonly functions: readonly FunctionProto[];
}

const nothing: MessageType = { name: "Message", fields: {} };

const entry: MessageType = {
  name: "StringStringEntryProto",
  fields: { 1: one("key", "string"), 2: one("value", "string") },
};

const tensor: MessageType = {
  name: "TensorProto",
  fields: {
    1: many("dims", "int"),
    2: one("data_type", "int"),
    3: one("segment", () => nothing),
    4: many("float_data", "float"),
    5: many("int32_data", "int"),
    6: many("string_data", "bytes"),
    7: many("int64_data", "int"),
    8: one("name", "string"),
    9: one("raw_data", "bytes"),
    10: many("double_data", "double"),
    11: many("uint64_data", "int"),
    13: many("external_data", () => entry),
    14: one("data_location", "int"),
  },
};

const attribute: MessageType = {
  name: "AttributeProto",
  fields: {
    1: one("name", "string"),
    2: one("f", "float"),
    3: one("i", "int"),
    4: one("s", "bytes"),
    5: one("t", () => tensor),
    6: one("g", () => graph),
    7: many("floats", "float"),
    8: many("ints", "int"),
    9: many("strings", "bytes"),
    10: many("tensors", () => tensor),
    11: many("graphs", () => graph),
    20: one("type", "int"),
    21: one("ref_attr_name", "string"),
    22: one("sparse_tensor", () => nothing),
  },
};

const node: MessageType = {
  name: "NodeProto",
  fields: {
    1: many("input", "string"),
    2: many("output", "string"),
    3: one("name", "string"),
    4: one("op_type", "string"),
    5: many("attribute", () => attribute),
    7: one("domain", "string"),
  },
};

const dimension: MessageType = {
  name: "Dimension",
  fields: { 1: one("dim_value", "int"), 2: one("dim_param", "string") },
};
const shape: MessageType = { name: "TensorShapeProto", fields: { 1: many("dim", () => dimension) } };
const tensorType: MessageType = {
  name: "TypeProto.Tensor",
  fields: { 1: one("elem_type", "int"), 2: one("shape", () => shape) },
};
const valueType: MessageType = {
  name: "TypeProto",
  fields: {
    1: one("tensor_type", () => tensorType),
    4: one("sequence_type", () => nothing),
    5: one("map_type", () => nothing),
    8: one("sparse_tensor_type", () => nothing),
    9: one("optional_type", () => nothing),
  },
};
const valueInfo: MessageType = {
  name: "ValueInfoProto",
  fields: { 1: one("name", "string"), 2: one("type", () => valueType) },
};

const graph: MessageType = {
  name: "GraphProto",
  fields: {
    1: many("node", () => node),
    2: one("name", "string"),
    5: many("initializer", () => tensor),
    11: many("input", () => valueInfo),
    12: many("output", () => valueInfo),
    15: many("sparse_initializer", () => nothing),
  },
};

const operatorSet: MessageType = {
  name: "OperatorSetIdProto",
  fields: { 1: one("domain", "string"), 2: one("version", "int") },
};

const localFunction: MessageType = {
  name: "FunctionProto",
  fields: {
    1: one("name", "string"),
    4: many("input", "string"),
    5: many("output", "string"),
    6: many("attribute", "string"),
    7: many("node", () => node),
    9: many("opset_import", () => operatorSet),
    10: one("domain", "string"),
    11: many("attribute_proto", () => attribute),
  },
};

const model: MessageType = {
  name: "ModelProto",
  fields: {
    1: one("ir_version", "int"),
    2: one("producer_name", "string"),
    3: one("producer_version", "string"),
    7: one("graph", () => graph),
    8: many("opset_import", () => operatorSet),
    14: many("metadata_props", () => entry),
    25: many("functions", () => localFunction),
  },
};

/** A model as the file has it; large data are views of `bytes`. @throws DataError for bytes that are no model. */
export function readModelProto(bytes: Uint8Array): ModelProto {
  return readMessage(bytes, model) as unknown as ModelProto;
}

/** A tensor in a file of its own, as ONNX's test data are. @throws DataError for bytes that are none. */
export function readTensorProto(bytes: Uint8Array): TensorProto {
  return readMessage(bytes, tensor) as unknown as TensorProto;
}

/** A public file. */
export interface RemoteFile {
  readonly name: string;
  /** Its size, and the sum of the one content that is accepted; without a sum the reader has to judge it. */
  readonly bytes?: number;
  readonly sha256?: string;
  /** Where it can be had, in the order to try; none if it has to be put into a folder by hand. */
  readonly urls: readonly string[];
  /** Where people find it, for messages; needed without `urls`. */
  readonly source?: string;
  /** Another folder it may lie in, besides that of the data set's name. */
  readonly folder?: string;
}

/** A set of images published as four IDX files. */
export interface Collection {
  readonly name: string;
  readonly classes: readonly string[];
  readonly trainImages: RemoteFile;
  readonly trainLabels: RemoteFile;
  readonly testImages: RemoteFile;
  readonly testLabels: RemoteFile;
}

/** Files at every one of `folders`, from rows of name, bytes and sha256. */
const mirrored =
  (...folders: string[]) =>
  (name: string, bytes: number, sha256: string): RemoteFile => ({
    name,
    bytes,
    sha256,
    urls: folders.map((folder) => `${folder}/${name}`),
  });

const fashion = mirrored(
  "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
  "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
);

const digits = mirrored(
  "https://ossci-datasets.s3.amazonaws.com/mnist",
  "https://storage.googleapis.com/cvdf-datasets/mnist",
);

/** Xiao, Rasul, Vollgraf 2017; MIT licence. */
export const FASHION_MNIST: Collection = {
  name: "fashion-mnist",
  classes: ["T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"],
  trainImages: fashion(
    "train-images-idx3-ubyte.gz",
    26421880,
    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
  ),
  trainLabels: fashion(
    "train-labels-idx1-ubyte.gz",
    29515,
    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
  ),
  testImages: fashion(
    "t10k-images-idx3-ubyte.gz",
    4422102,
    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
  ),
  testLabels: fashion(
    "t10k-labels-idx1-ubyte.gz",
    5148,
    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
  ),
};

/** LeCun, Cortes, Burges 1998. */
export const MNIST: Collection = {
  name: "mnist",
  classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
  trainImages: digits(
    "train-images-idx3-ubyte.gz",
    9912422,
    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
  ),
  trainLabels: digits(
    "train-labels-idx1-ubyte.gz",
    28881,
    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
  ),
  testImages: digits(
    "t10k-images-idx3-ubyte.gz",
    1648877,
    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
  ),
  testLabels: digits(
    "t10k-labels-idx1-ubyte.gz",
    4542,
    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
  ),
};

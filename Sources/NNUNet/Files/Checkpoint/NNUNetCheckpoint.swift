/// What a checkpoint of nnU-Net's trainer holds.
///
/// Tensors have their canonical names, each once. What nnU-Net does not know stands in `extra`; nnU-Net ignores it.
public struct NNUNetCheckpoint: Sendable, Equatable {
    /// `network_weights`, in the order of the network's parameters.
    public var weights: [NamedTensor]
    public var optimizer: OptimizerState?
    /// `grad_scaler_state`: none without mixed precision in half floats.
    public var gradientScaler: PickleValue
    public var log: TrainingLog
    /// `_best_ema`: the best moving average of the foreground Dice; none before the first epoch ends.
    public var bestMovingAverageDice: Double?
    /// The epoch that training goes on with: one more than the last one that is done.
    public var currentEpoch: Int
    public var initArguments: InitArguments
    public var trainerName: String
    /// Axes that inference may mirror; none where the trainer does not mirror.
    public var mirroringAxes: [Int]?
    /// Keys of the file beyond nnU-Net's, in their order, such as "cohort".
    public var extra: PickleDictionary

    public init(
        weights: [NamedTensor], optimizer: OptimizerState?, gradientScaler: PickleValue = .none,
        log: TrainingLog = TrainingLog(), bestMovingAverageDice: Double? = nil, currentEpoch: Int = 0,
        initArguments: InitArguments, trainerName: String = "nnUNetTrainer", mirroringAxes: [Int]?,
        extra: PickleDictionary = PickleDictionary()
    ) {
        self.weights = weights
        self.optimizer = optimizer
        self.gradientScaler = gradientScaler
        self.log = log
        self.bestMovingAverageDice = bestMovingAverageDice
        self.currentEpoch = currentEpoch
        self.initArguments = initArguments
        self.trainerName = trainerName
        self.mirroringAxes = mirroringAxes
        self.extra = extra
    }

    /// `init_args`: what the trainer was made with.
    public struct InitArguments: Sendable, Equatable {
        public var plans: JSONObject
        public var configuration: String
        /// A number, or "all".
        public var fold: String
        public var datasetJSON: JSONObject
        /// Such as "cpu" or "cuda".
        public var device: String

        public init(plans: JSONObject, configuration: String, fold: String, datasetJSON: JSONObject, device: String) {
            self.plans = plans
            self.configuration = configuration
            self.fold = fold
            self.datasetJSON = datasetJSON
            self.device = device
        }
    }
}

/// `logging`: one entry per epoch in every list.
public struct TrainingLog: Sendable, Equatable {
    public var meanForegroundDice: [Double] = []
    public var movingAverageDice: [Double] = []
    public var dicePerClass: [[Double]] = []
    public var trainLosses: [Double] = []
    public var validationLosses: [Double] = []
    public var learningRates: [Double] = []
    /// Seconds since 1970.
    public var epochStarts: [Double] = []
    public var epochEnds: [Double] = []

    public init() {}
}

/// `optimizer_state`: parameter groups, and what the optimizer keeps for each parameter.
public struct OptimizerState: Sendable, Equatable {
    /// A group's fields as PyTorch names them (`lr`, `momentum`, `nesterov` …), without `params`.
    public struct Group: Sendable, Equatable {
        public var fields: PickleDictionary
        /// Indices of the group's parameters, in the order of the weights.
        public var parameters: [Int]

        public init(fields: PickleDictionary, parameters: [Int]) {
            self.fields = fields
            self.parameters = parameters
        }
    }

    public var groups: [Group]
    /// Buffers by PyTorch's name (`momentum_buffer`, `exp_avg` …), one per parameter; none where it has not been stepped.
    public var buffers: [String: [NumericArray?]]

    public init(groups: [Group], buffers: [String: [NumericArray?]]) {
        self.groups = groups
        self.buffers = buffers
    }

    /// nnU-Net's optimizer: SGD with momentum.
    public static func sgd(
        learningRate: Double, initialLearningRate: Double, momentum: Double, nesterov: Bool, weightDecay: Double,
        momentumBuffers: [NumericArray?]
    ) -> OptimizerState {
        let fields: [(PickleValue, PickleValue)] = [
            (.string("lr"), .number(learningRate)), (.string("momentum"), .number(momentum)),
            (.string("dampening"), .integer(0)), (.string("weight_decay"), .number(weightDecay)),
            (.string("nesterov"), .bool(nesterov)), (.string("maximize"), .bool(false)), (.string("foreach"), .none),
            (.string("differentiable"), .bool(false)), (.string("fused"), .none),
            (.string("initial_lr"), .number(initialLearningRate)),
        ]
        return OptimizerState(
            groups: [Group(fields: PickleDictionary(fields), parameters: Array(momentumBuffers.indices))],
            buffers: ["momentum_buffer": momentumBuffers])
    }
}

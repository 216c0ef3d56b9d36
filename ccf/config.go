// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"net/netip"
	"strconv"
	"time"

	"lateral/cache"
)

// A Source is one cache.ccf as it lies on disk, or as a test writes it.
type Source struct {
	Name string // how findings call it
	Data []byte

	lost bool // Load could not read it, and has said so
}

// A Pos is a place in a file. The zero Pos means: not written anywhere.
type Pos struct {
	File string
	Line int // counted from 1; 0 for an override, which has no line
}

// String prints the place as file:line, or "default" for the zero Pos.
func (p Pos) String() string {
	switch {
	case p == Pos{}:
		return "default"
	case p.Line == 0:
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line)
}

// A Config is what the files of one service say, checked. It is not changed
// after Parse and may be read by many goroutines at once.
type Config struct {
	Files       []string    `json:"files"`
	Default     Region      `json:"default"`     // of regions that no file declares; its Name is ""
	Regions     []Region    `json:"regions"`     // in the order of the files, jcs.system ones first
	Auxiliaries []Auxiliary `json:"auxiliaries"` // in the order of the files
	Findings    []Finding   `json:"findings"`    // warnings and notes; errors are what Parse returns

	errs   Errors
	blocks []*block // every group of attributes, as written and as it counts
}

// Region returns the settings of a region. One that no file declares has
// those of jcs.default, and false.
func (c *Config) Region(name string) (Region, bool) {
	for _, r := range c.Regions {
		if r.Name == name {
			return r, true
		}
	}
	r := c.Default
	r.Name = name
	return r, false
}

// Auxiliary returns the auxiliary of that name.
func (c *Config) Auxiliary(name string) (Auxiliary, bool) {
	for _, a := range c.Auxiliaries {
		if a.Name == name {
			return a, true
		}
	}
	return Auxiliary{}, false
}

// A Region is one region's settings with the defaults filled in
// (JCS: engine.CompositeCacheAttributes and engine.ElementAttributes).
type Region struct {
	Name        string   `json:"name"`
	Auxiliaries []string `json:"auxiliaries"` // in lookup order; empty: memory only

	MaxObjects int           `json:"max_objects"` // elements in memory; 0 keeps none there
	MaxBytes   int64         `json:"max_bytes"`   // of keys and values in memory; 0 is no limit
	Acks       int           `json:"acks"`        // peers that must hold a value before its put returns; -1: all linked, -3: those that are linked, if any
	AckTimeout time.Duration `json:"ack_timeout_ns"`

	WhenLinkDown string        `json:"when_link_down"` // serve, bypass, drop; of an invalidated region
	StaleMax     time.Duration `json:"stale_max_ns"`   // serve and drop: how long
	RespMap      string        `json:"resp_map,omitempty"`

	Strict bool          `json:"strict"`   // removals wait until nobody serves the old value
	Lease  time.Duration `json:"lease_ns"` // 100 ms to a minute

	Policy string `json:"policy"` // lru, lhmlru, fifo, mru, soft; "" is Lateral's own

	UseShrinker      bool          `json:"use_shrinker"`
	ShrinkerInterval time.Duration `json:"shrinker_interval_ns"`
	MaxMemoryIdle    time.Duration `json:"max_memory_idle_ns"` // the shrinker takes what idles longer; < 0 is off
	MaxSpoolPerRun   int           `json:"max_spool_per_run"`  // by the shrinker; -1 is no limit
	SpoolChunk       int           `json:"spool_chunk"`        // elements evicted at once when over MaxObjects
	DiskUpdate       bool          `json:"disk_update"`        // every put is written to disk (UPDATE), not only what is evicted (SWAP)

	UseLateral bool `json:"use_lateral"`
	UseRemote  bool `json:"use_remote"`
	UseDisk    bool `json:"use_disk"`

	Attr  cache.Attributes `json:"attributes"` // of elements put without their own
	Where Pos              `json:"where"`
}

// An Auxiliary is one jcs.auxiliary block.
type Auxiliary struct {
	Name       string            `json:"name"`
	Kind       cache.Kind        `json:"kind"`
	Factory    string            `json:"factory"`    // the class named in the file
	Generation string            `json:"generation"` // "1.3", "2", "3" or "4"
	Lateral    *Lateral          `json:"lateral,omitempty"`
	Disk       *Disk             `json:"disk,omitempty"` // of indexed and block disk caches
	Remote     *Remote           `json:"remote,omitempty"`
	Other      map[string]string `json:"other,omitempty"` // other kinds: what is written, by the names of JCS 1.3
	Serializer string            `json:"serializer,omitempty"`
	Key        string            `json:"-"` // PreSharedKey of an EncryptingSerializer
	Cipher     string            `json:"-"` // its AesCipherTransformation
	Where      Pos               `json:"where"`
}

// A Disk is what the disk tier needs to know
// (JCS: auxiliary.disk.indexed.IndexedDiskCacheAttributes, auxiliary.disk.block.BlockDiskCacheAttributes).
type Disk struct {
	Path                   string        `json:"path"`         // "" is none: the regions stay in memory
	MaxElements            int           `json:"max_elements"` // of each region; < 0 is no limit
	MaxBytes               int64         `json:"max_bytes"`    // likewise; 0 is no limit
	MaxPurgatorySize       int           `json:"max_purgatory_size"`
	ShutdownSpoolTimeLimit time.Duration `json:"shutdown_spool_time_limit_ns"`
	OptimizeAtRemoveCount  int           `json:"optimize_at_remove_count"` // ≤ 0: when half of the file is free
	OptimizeOnShutdown     bool          `json:"optimize_on_shutdown"`
	ClearDiskOnStartup     bool          `json:"clear_disk_on_startup"`
	Restore                string        `json:"restore"` // PROVEN, ALWAYS, NEVER
}

// A Remote is what the remote tier needs to know (for the names that JCS has:
// auxiliary.remote.RemoteCacheAttributes).
type Remote struct {
	Servers              []string       `json:"servers"`     // host:port; none: the regions go on without
	MasterName           string         `json:"master_name"` // "": Servers are no Sentinels
	GetOnly              bool           `json:"get_only"`
	WriteThrough         bool           `json:"write_through"`
	GetTimeout           time.Duration  `json:"get_timeout_ns"`
	ZombieQueueMaxSize   int            `json:"zombie_queue_max_size"`
	UserName             string         `json:"user_name"`
	PasswordFile         string         `json:"password_file"`
	SentinelPasswordFile string         `json:"sentinel_password_file"`
	UseTLS               bool           `json:"use_tls"`
	CAFile               string         `json:"ca_file"`
	CertFile             string         `json:"cert_file"`
	KeyFile              string         `json:"key_file"`
	Database             int            `json:"database"`
	KeyPrefix            string         `json:"key_prefix"`
	MaxValueBytes        int64          `json:"max_value_bytes"`
	MaxQueuedBytes       int64          `json:"max_queued_bytes"`
	HeartbeatInterval    time.Duration  `json:"heartbeat_interval_ns"`
	LinkTimeout          time.Duration  `json:"link_timeout_ns"`
	DrainTimeout         time.Duration  `json:"drain_timeout_ns"`
	Where                map[string]Pos `json:"where"` // as of Lateral
}

// A Lateral is what an endpoint of the mesh needs to know
// (JCS: auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes).
type Lateral struct {
	TcpServers      []string `json:"tcp_servers"` // host:port, as far as the file's generation would reach them
	TcpListenerPort int      `json:"tcp_listener_port"`
	TcpListenerHost string   `json:"tcp_listener_host"` // "" binds every address

	Receive                bool `json:"receive"`   // false: no listener
	AllowGet               bool `json:"allow_get"` // this node may ask its peers
	PutOnlyMode            bool `json:"put_only_mode"`
	AllowPut               bool `json:"allow_put"`
	IssueRemoveOnPut       bool `json:"issue_remove_on_put"`
	FilterRemoveByHashCode bool `json:"filter_remove_by_hash_code"`

	SocketTimeOut      time.Duration `json:"socket_time_out_ns"`
	OpenTimeOut        time.Duration `json:"open_time_out_ns"`
	ZombieQueueMaxSize int           `json:"zombie_queue_max_size"`

	UdpDiscoveryEnabled bool       `json:"udp_discovery_enabled"`
	UdpDiscoveryAddr    netip.Addr `json:"udp_discovery_addr"`
	UdpDiscoveryPort    int        `json:"udp_discovery_port"`
	UdpTTL              int        `json:"udp_ttl"` // 0 is the system's, 1

	// Keys of Lateral's own.
	ClusterName       string        `json:"cluster_name"`   // "" is "default"
	Interface         []string      `json:"interface"`      // names for multicast; "*" is all; none lets the routes decide
	AdvertiseHost     string        `json:"advertise_host"` // "" lets peers take the packet's source
	DnsPeers          []string      `json:"dns_peers"`      // name:port, or the name of an SRV record
	LogBytes          int64         `json:"log_bytes"`
	Bridge            bool          `json:"bridge"`      // relay between generations of JCS
	ListenOnly        bool          `json:"listen_only"` // observe Java nodes, and change nothing
	HeartbeatInterval time.Duration `json:"heartbeat_interval_ns"`
	LinkTimeout       time.Duration `json:"link_timeout_ns"`
	MaxClockSkew      time.Duration `json:"max_clock_skew_ns"`
	AnnounceInterval  time.Duration `json:"announce_interval_ns"` // the steady period
	MemberTimeout     time.Duration `json:"member_timeout_ns"`
	DrainTimeout      time.Duration `json:"drain_timeout_ns"` // of sessions, when the node stops

	// Who may take part. Paths are relative to nothing but the process's
	// directory: those of a file have been joined with its own.
	ClusterSecretFile       string         `json:"cluster_secret_file"`
	CertFile                string         `json:"cert_file"`
	KeyFile                 string         `json:"key_file"`
	CAFile                  string         `json:"ca_file"`
	AllowUnauthenticatedJCS bool           `json:"allow_unauthenticated_jcs"`
	AllowJCSFrom            []netip.Prefix `json:"allow_jcs_from"` // none: from anywhere

	// Where says where each key above is written, by its name in this
	// struct; a key that is not there has its default.
	Where map[string]Pos `json:"where"`
}

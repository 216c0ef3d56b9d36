// SPDX-License-Identifier: Apache-2.0

package ccf

// topKeys are the skeleton of a file. place knows their shape; here is their
// meaning.
var topKeys = []*key{
	row(scopeTop, gAll, "jcs.default", tList, "",
		"Auxiliaries of regions that the file does not declare; the first file of a service must have it, and it may be empty.").shown("LTCP"),
	row(scopeTop, gAll, "jcs.default.cacheattributes", tClass, "",
		"Class of the region attributes; may be left out. Its package tells the generation of JCS.").shown("org.apache.jcs.engine.CompositeCacheAttributes"),
	row(scopeTop, gAll, "jcs.default.elementattributes", tClass, "", "Class of the element attributes; may be left out.").shown("org.apache.jcs.engine.ElementAttributes"),
	row(scopeTop, gAll, "jcs.region.NAME", tList, "",
		"Declares a region with its auxiliaries in lookup order; empty is memory only, not jcs.default.").shown("LTCP"),
	row(scopeTop, gAll, "jcs.region.NAME.cacheattributes", tClass, "",
		"With this line JCS 1.3 to 3 start the region from the built-in defaults; without it, from those of jcs.default.").shown("org.apache.jcs.engine.CompositeCacheAttributes"),
	row(scopeTop, gAll, "jcs.region.NAME.elementattributes", tClass, "", "The same for the element attributes.").shown("org.apache.jcs.engine.ElementAttributes"),
	row(scopeTop, gAll, "jcs.system.NAME", tList, "", "As jcs.region.NAME, created first (legacy)."),
	row(scopeTop, gAll, "jcs.auxiliary.NAME", tClass, "", "Defines an auxiliary by the class of its factory; every name that a region uses needs one.").shown("org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory"),
	row(scopeTop, gAll, "jcs.auxiliary.NAME.attributes", tClass, "", "Class of its attributes; JCS 1.3 to 3 need it, JCS 4 knows it.").shown("org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes"),
	row(scopeTop, gAll, "jcs.auxiliary.NAME.serializer", tClass, "",
		"How values become bytes; for LTCP from JCS 3 on. Values of Java peers pass through Lateral as they are."),
	row(scopeTop, gAll, "jcs.auxiliary.NAME.cacheeventlogger", tClass, "", "Event logger.").
		unneeded("Lateral counts events itself (lateral stats, metrics)"),
	row(scopeTop, gAll, "jcs.auxiliary.NAME.keymatcher", tClass, "", "How getMatching compares keys; effective in JCS 4 only.").
		unneeded("patterns are Java-like regular expressions, which is what the stock matcher does"),
}

// memoryPolicies are the memory caches by the end of their class name below
// P.engine.memory, with the generations that have them.
var memoryPolicies = []struct {
	class, policy string
	gens          gen
}{
	{"lru.LRUMemoryCache", "lru", gAll}, {"lru.LHMLRUMemoryCache", "lhmlru", gAll}, {"fifo.FIFOMemoryCache", "fifo", gAll},
	{"mru.MRUMemoryCache", "mru", gAll}, {"soft.SoftReferenceMemoryCache", "soft", g2to4},
}

// cacheKeys: JCS engine.CompositeCacheAttributes.
var cacheKeys = []*key{
	row(scopeCache, gAll, "MaxObjects", tInt, "100", "Elements kept in memory; 0 keeps none there."),
	mine(scopeCache, "MaxBytes", tSize, "0", "Bytes of keys and values kept in memory, such as 64M; 0 is no limit."),
	mine(scopeCache, "Acks", tAcks, "0", "How many peers must hold a value before its put returns: 0, a number, all that are linked (and at least one), or those that are linked, if any (linked); fewer is an error of the put. Only where values travel."),
	mine(scopeCache, "AckTimeout", tTime, "250ms", "How long a put waits for these.").least(1),
	mine(scopeCache, "WhenLinkDown", tWord, "serve",
		"What an invalidated region does while a peer's removals cannot arrive, because the link to it is down: serve what is held, for StaleMax at most; bypass memory, so that every get is a miss; or drop what is held when the link goes, then serve what is loaded since for StaleMax. After StaleMax all three bypass.").of("serve", "bypass", "drop"),
	mine(scopeCache, "StaleMax", tTime, "10s", "How long after a link went down an invalidated region serves what may be stale; LinkTimeout, in which a silent link is noticed, comes on top.").least(0),
	mine(scopeCache, "Strict", tBool, "false",
		"A removal returns only when no node serves the old value any more, and memory is served only under leases from all members: who is cut off serves nothing. Only where values do not travel; the same on all nodes. See docs/coherence.md."),
	mine(scopeCache, "Lease", tTime, "2s", "How long a strict region may be served after a member was last heard, and so how long a removal may have to wait for it. The shortest of an endpoint's regions counts for all of them.").least(100),
	mine(scopeCache, "RespMap", tString, "", "Databases and key prefixes by which RESP clients reach the region (lateral run --resp), such as 0,session:*."),
	row(scopeCache, gAll, "MemoryCacheName", tClass, "",
		"Who is evicted: LRUMemoryCache, LHMLRUMemoryCache, FIFOMemoryCache, MRUMemoryCache or SoftReferenceMemoryCache. JCS: lru.LRUMemoryCache; when absent Lateral uses its own policy, which keeps what is used often.").shown("org.apache.jcs.engine.memory.lru.LRUMemoryCache"),
	row(scopeCache, gAll, "UseMemoryShrinker", tBool, "false", "Look for expired and idle elements periodically."),
	row(scopeCache, g13to3, "ShrinkerIntervalSeconds", tSeconds, "30", "How often the shrinker looks.").
		or(g4, "ShrinkerInterval", tISO, "PT30S"),
	row(scopeCache, g13to3, "MaxMemoryIdleTimeSeconds", tSeconds, "7200", "The shrinker takes elements out of memory that idle longer; below 0 it is off.").
		or(g4, "MaxMemoryIdleTime", tISO, "PT2H"),
	row(scopeCache, gAll, "MaxSpoolPerRun", tInt, "-1", "Elements the shrinker takes at once; -1 is no limit."),
	row(scopeCache, gAll, "SpoolChunkSize", tInt, "2", "Elements evicted at once when there are more than MaxObjects."),
	row(scopeCache, g13to3, "DiskUsagePatternName", tWord, "SWAP", "SWAP writes to disk what is evicted, UPDATE every put.").
		or(g4, "DiskUsagePattern", tWord, "SWAP").of("SWAP", "UPDATE"),
	row(scopeCache, g13to3, "UseLateral", tBool, "true", "false keeps the region from its lateral auxiliaries."),
	row(scopeCache, g13to3, "UseRemote", tBool, "true", "false keeps the region from its remote auxiliaries (JCS does not look at it when it writes)."),
	row(scopeCache, g13to3, "UseDisk", tBool, "true", "false keeps the region from its disk auxiliaries when DiskUsagePatternName is UPDATE."),
	row(scopeCache, g13to3, "CacheName", tString, "", "Set by JCS itself.").or(g4, "cacheName", tString, "").
		unneeded("a region's name is part of its keys"),
}

// elementKeys: JCS engine.ElementAttributes.
var elementKeys = []*key{
	row(scopeElement, gAll, "IsEternal", tBool, "true", "Elements never expire; must be false for the two times below to count."),
	row(scopeElement, g13, "MaxLifeSeconds", tSeconds, "-1", "Time to live since an element was put; -1 is for ever.").
		or(g2to3, "MaxLife", tSeconds, "-1").or(g4, "MaxLife", tISO, "-1"),
	row(scopeElement, g13to3, "IdleTime", tSeconds, "-1", "Time to live since its last access; -1 is for ever.").
		or(g4, "MaxIdleTime", tISO, "-1"),
	row(scopeElement, gAll, "IsSpool", tBool, "true", "Elements may go to disk."),
	row(scopeElement, gAll, "IsLateral", tBool, "true", "Elements may be sent to peers; with false only removals travel."),
	row(scopeElement, gAll, "IsRemote", tBool, "true", "Elements may be sent to a remote tier."),
	row(scopeElement, g13to3, "Size", tInt, "0", "Informational."),
	row(scopeElement, g2to3, "TimeFactorForMilliseconds", tLong, "1000", "Milliseconds per unit of MaxLife and IdleTime."),
}

const poolReason = "Lateral has no thread pools: goroutines cost nothing to speak of and queues are bounded by LogBytes"

// poolKeys: JCS utils.threadpool.PoolConfiguration.
var poolKeys = []*key{
	row(scopePool, gAll, "useBoundary", tBool, "true", "A bounded queue.").unneeded(poolReason),
	row(scopePool, gAll, "boundarySize", tInt, "2000", "Its bound.").unneeded(poolReason),
	row(scopePool, gAll, "maximumPoolSize", tInt, "150", "Most threads.").unneeded(poolReason),
	row(scopePool, gAll, "minimumPoolSize", tInt, "4", "Fewest threads (JCS 2 and later: unused).").unneeded(poolReason),
	row(scopePool, g13to3, "keepAliveTime", tMillis, "300000", "How long an idle thread stays.").
		or(g4, "keepAliveTime", tISO, "PT5M").unneeded(poolReason),
	row(scopePool, g13, "whenBlockedPolicy", tWord, "RUN", "What happens when the queue is full.").
		or(g2to3, "whenBlockedPolicy", tWord, "RUN").or(g4, "whenBlockedPolicy", tWord, "RUN").
		of("RUN", "ABORT", "WAIT", "BLOCK", "DISCARDOLDEST", "DISCARD").unneeded(poolReason),
	row(scopePool, gAll, "startUpSize", tInt, "4", "Threads at the start (JCS 2 and later: core threads, as many as processors).").unneeded(poolReason),
	row(scopeScheduler, g3to4, "maximumPoolSize", tInt, "", "Threads of the scheduler.").unneeded(poolReason),
}

const serverReason = "Lateral is no remote cache server; such a server reads a file of its own"

// serverKeys: JCS auxiliary.remote.server.RemoteCacheServerFactory.
var serverKeys = []*key{
	row(scopeServer, gAll, "registry.host", tString, "", "Host of the RMI registry.").unneeded(serverReason),
	row(scopeServer, gAll, "registry.port", tPort, "1099", "Its port (1101 from the servlet).").unneeded(serverReason),
	row(scopeServer, gAll, "remote.cache.service.name", tString, "", "Name in the registry.").unneeded(serverReason),
	row(scopeServer, gAll, "remote.cache.service.port", tPort, "0", "Port of the service.").unneeded(serverReason),
	row(scopeServer, gAll, "remote.cluster.LocalClusterConsistency", tBool, "false", "Send changes of cluster servers to local clients.").unneeded(serverReason),
	row(scopeServerAttributes, gAll, "AllowClusterGet", tBool, "true", "Clients may get from other servers of the cluster.").unneeded(serverReason),
	row(scopeServerAttributes, g13to3, "StartRegistry", tBool, "true", "Start an RMI registry.").unneeded(serverReason),
	row(scopeServerAttributes, gAll, "UseRegistryKeepAlive", tBool, "true", "Bind the service again when the registry lost it.").unneeded(serverReason),
	row(scopeServerAttributes, gAll, "RegistryKeepAliveDelayMillis", tMillis, "15000", "How often that is looked at.").unneeded(serverReason),
	row(scopeServerAttributes, gAll, "RmiSocketFactoryTimeoutMillis", tMillis, "10000", "Timeout of RMI sockets.").unneeded(serverReason),
	row(scopeServerAttributes, gAll, "ServicePort", tPort, "0", "Port of the service.").unneeded(serverReason),
}

// SPDX-License-Identifier: Apache-2.0

package ccf

import "lateral/cache"

// A maker is one factory class that auxiliaries are defined by.
type maker struct {
	class  string // below P.auxiliary
	attrs  string // its attributes class, below P.auxiliary
	gens   gen
	kind   cache.Kind
	scopes []scope
}

// makers are the factories of JCS. The attributes class of LTCP lost its
// "TCP" prefix for "LateralTCP" in JCS 4.
var makers = []maker{
	{"lateral.socket.tcp.LateralTCPCacheFactory", "lateral.socket.tcp.TCPLateralCacheAttributes", g13to3, cache.Lateral, []scope{scopeLateral}},
	{"lateral.socket.tcp.LateralTCPCacheFactory", "lateral.socket.tcp.LateralTCPCacheAttributes", g4, cache.Lateral, []scope{scopeLateral}},
	{"disk.indexed.IndexedDiskCacheFactory", "disk.indexed.IndexedDiskCacheAttributes", gAll, cache.Disk, []scope{scopeDisk, scopeIndexed}},
	{"disk.block.BlockDiskCacheFactory", "disk.block.BlockDiskCacheAttributes", gAll, cache.Disk, []scope{scopeDisk, scopeBlock}},
	{"disk.jdbc.JDBCDiskCacheFactory", "disk.jdbc.JDBCDiskCacheAttributes", gAll, cache.Disk, []scope{scopeDisk, scopeJDBC}},
	{"disk.jdbc.mysql.MySQLDiskCacheFactory", "disk.jdbc.mysql.MySQLDiskCacheAttributes", gAll, cache.Disk, []scope{scopeDisk, scopeJDBC, scopeMySQL}},
	{"disk.jdbc.hsql.HSQLDiskCacheFactory", "disk.jdbc.JDBCDiskCacheAttributes", gAll, cache.Disk, []scope{scopeDisk, scopeJDBC}},
	{"disk.file.FileDiskCacheFactory", "disk.file.FileDiskCacheAttributes", g13, cache.Disk, []scope{scopeDisk, scopeFile}},
	{"remote.RemoteCacheFactory", "remote.RemoteCacheAttributes", gAll, cache.RemoteTier, []scope{scopeRemote}},
	{"remote.http.client.RemoteHttpCacheFactory", "remote.http.client.RemoteHttpCacheAttributes", gAll, cache.RemoteTier, []scope{scopeRemote, scopeHTTP}},
}

const (
	logReason  = "changes go through one bounded log, whatever the queue (LogBytes)"
	setReason  = "JCS sets it itself"
	httpReason = "LTCP never used it"
)

// lateralKeys: JCS auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes and
// auxiliary.lateral.LateralCacheAttributes, then Lateral's own.
var lateralKeys = []*key{
	row(scopeLateral, g13to3, "TransmissionTypeName", tWord, "UDP", "Write TCP; LTCP is TCP whatever it says.").of("TCP", "UDP", "HTTP", "XMLRPC"),
	row(scopeLateral, gAll, "TcpServers", tServers, "",
		"Peers as host:port,host:port. One that answers is enough: members tell each other of the rest. Leave it out, with UdpDiscoveryEnabled=true, to find peers by multicast.").shown("hostb:57462,hostc:57462"),
	row(scopeLateral, gAll, "TcpServer", tString, "", "A single peer.").unneeded("JCS fills it in itself from TcpServers"),
	row(scopeLateral, gAll, "TcpListenerPort", tPort, "0", "Port that peers connect to; each service of a host needs its own. 0 is any free one."),
	row(scopeLateral, g3to4, "TcpListenerHost", tString, "", "Address to listen on; empty is every address.").lateral().shown("10.0.0.1"),
	row(scopeLateral, gAll, "Receive", tBool, "true", "false listens to no peer: this node only sends."),
	row(scopeLateral, gAll, "AllowGet", tBool, "true", "This node may ask its peers on a miss; JCS 1.3 to 3 also need PutOnlyMode=false."),
	row(scopeLateral, g13to3, "PutOnlyMode", tBool, "true", "true never asks peers."),
	row(scopeLateral, gAll, "AllowPut", tBool, "true", "false sends no values (removals of IssueRemoveOnPut still go)."),
	row(scopeLateral, gAll, "IssueRemoveOnPut", tBool, "false", "A put is sent to peers as a removal, with a hash of the value."),
	row(scopeLateral, gAll, "FilterRemoveByHashCode", tBool, "true", "Skip such a removal where the value held is equal."),
	row(scopeLateral, g13to3, "SocketTimeOut", tMillis, "1000", "How long to wait for a peer's answer.").or(g4, "SocketTimeOut", tISO, "PT1S"),
	row(scopeLateral, g13to3, "OpenTimeOut", tMillis, "2000", "How long to wait for a connection.").or(g4, "OpenTimeOut", tISO, "PT2S"),
	row(scopeLateral, gAll, "ZombieQueueMaxSize", tInt, "1000", "Changes kept for a JCS peer that is down; 0 keeps none."),
	row(scopeLateral, gAll, "UdpDiscoveryEnabled", tBool, "true", "Find peers by multicast. With TcpServers and without this line it is off."),
	row(scopeLateral, gAll, "UdpDiscoveryAddr", tAddr, "228.5.6.7", "Multicast group; 224.0.0.1 reaches one network segment and no further."),
	row(scopeLateral, gAll, "UdpDiscoveryPort", tPort, "6789", "UDP port of the group. All services of a cluster share it."),
	row(scopeLateral, g4, "UdpDiscoveryInterface", tList, "", "Network interface for multicast; Interface says the same for several.").lateral().shown("eth0"),
	row(scopeLateral, g3to4, "UdpTTL", tInt, "0", "Routers that a datagram may pass; 0 is the system's, 1.").lateral(),
	row(scopeLateral, gAll, "EventQueueType", tWord, "SINGLE", "SINGLE or POOLED.").of("SINGLE", "POOLED").unneeded(logReason),
	row(scopeLateral, gAll, "EventQueuePoolName", tString, "", "Thread pool of a POOLED queue.").unneeded(logReason),
	row(scopeLateral, g13to3, "HttpServer", tString, "", "Unused.").unneeded(httpReason),
	row(scopeLateral, g13to3, "HttpServers", tString, "", "Unused.").unneeded(httpReason),
	row(scopeLateral, g13to3, "HttpListenerPort", tInt, "8080", "Unused.").unneeded(httpReason),
	row(scopeLateral, g13to3, "UdpMulticastAddr", tString, "228.5.6.7", "Unused; the group is UdpDiscoveryAddr.").unneeded(httpReason),
	row(scopeLateral, g13to3, "UdpMulticastPort", tInt, "6789", "Unused; the port is UdpDiscoveryPort.").unneeded(httpReason),
	row(scopeLateral, gAll, "Name", tString, "", "Name of the auxiliary.").unneeded(setReason),
	row(scopeLateral, gAll, "CacheName", tString, "", "Name of the region.").unneeded(setReason),

	mine(scopeLateral, "ClusterName", tString, "", "Nodes of another name are not connected to; empty is default.").shown("groupware"),
	mine(scopeLateral, "Interface", tList, "", "Network interfaces for multicast, such as eth0,eth1; * is all; empty lets the routes decide.").shown("eth0"),
	mine(scopeLateral, "AdvertiseHost", tString, "", "Address that peers are told to dial; empty lets them take the one our datagrams come from.").shown("10.0.0.1"),
	mine(scopeLateral, "DnsPeers", tList, "", "Peers by DNS, looked up again and again: name:port, or an SRV record such as _lateral._tcp.example.org.").shown("peers.example.org:57462"),
	mine(scopeLateral, "LogBytes", tSize, "64M", "Memory for changes that peers have not read yet; a peer that falls behind it is synced.").least(64 << 10),
	mine(scopeLateral, "HeartbeatInterval", tTime, "1s", "How often a silent link is spoken on.").least(10),
	mine(scopeLateral, "MaxClockSkew", tTime, "500ms", "A peer whose clock is ahead by more gets no link: of two writes the later wins, so all of its would. 0 checks nothing.").least(0),
	mine(scopeLateral, "LinkTimeout", tTime, "5s", "A link silent for that long is dead.").least(20),
	mine(scopeLateral, "AnnounceInterval", tTime, "10s", "How often this node announces itself once the mesh is settled.").least(10),
	mine(scopeLateral, "MemberTimeout", tTime, "180s", "A member unheard of for that long is forgotten, unless there is a link.").least(20),
	mine(scopeLateral, "Bridge", tBool, "false", "Relay what Java nodes of one generation of JCS say to those of others. On one node of a cluster only."),
	mine(scopeLateral, "ListenOnly", tBool, "false", "Observe a cluster of Java nodes: announce this node, so that they write to it, and tell and ask them nothing. Writes to its regions are refused here."),
	mine(scopeLateral, "ClusterSecretFile", tString, "", "File of lateral keygen. Announcements are sealed and links proven with it; who has not got it stays out. A relative path starts at this file's directory.").shown("/etc/lateral/cluster.secret"),
	mine(scopeLateral, "CertFile", tString, "", "Certificate (PEM) that proves this node on links, in place of one made of the cluster secret; with KeyFile and CAFile.").shown("/etc/lateral/node.pem"),
	mine(scopeLateral, "KeyFile", tString, "", "Its private key (PEM), for nobody else to read.").shown("/etc/lateral/node.key"),
	mine(scopeLateral, "CAFile", tString, "", "The authority (PEM) that signs the certificates of all members, and of nobody else.").shown("/etc/lateral/ca.pem"),
	mine(scopeLateral, "AllowUnauthenticatedJCS", tBool, "false", "With a cluster secret: speak with Java nodes all the same, which cannot prove anything."),
	mine(scopeLateral, "AllowJCSFrom", tList, "", "Addresses or networks that such Java nodes must be in; empty is any. With loopback alone nothing is announced to them: list this node in their TcpServers.").shown("127.0.0.1,10.0.0.0/24"),
	mine(scopeLateral, "DrainTimeout", tTime, "5s", "How long a node that stops waits, at most, for as many peers as Acks says to hold what it holds in its regions with Acks.").least(0),
}

const (
	otherDiskReason = "Lateral's disk tier has one kind of file: indexed and block disk caches are kept there, others not, and their regions stay in memory"
	storeReason     = "the store of Lateral's disk tier sees to it itself"
	queueReason     = "each region's disk has one queue, bounded by MaxPurgatorySize"
)

// diskKeys: JCS auxiliary.disk.AbstractDiskCacheAttributes and its heirs, then
// Lateral's own.
var diskKeys = []*key{
	row(scopeDisk, gAll, "DiskPath", tString, "", "Directory of the files, below it one per service and region; made if it is not there. A relative path starts at this file's directory.").shown("/var/cache/lateral"),
	row(scopeDisk, gAll, "MaxPurgatorySize", tInt, "5000", "Elements that may wait to be written. Beyond it values are left out, and counted; removals are not."),
	row(scopeDisk, gAll, "AllowRemoveAll", tBool, "true", "removeAll empties the disk too.").unneeded("it always does: what was removed is not served"),
	row(scopeDisk, g13to3, "ShutdownSpoolTimeLimit", tSeconds, "60", "How long the end of the node may wait for writes, those of all that is in memory among them.").or(g4, "ShutdownSpoolTimeLimit", tISO, "PT1M"),
	row(scopeDisk, gAll, "EventQueueType", tWord, "SINGLE", "SINGLE or POOLED.").of("SINGLE", "POOLED").unneeded(queueReason),
	row(scopeDisk, gAll, "EventQueuePoolName", tString, "", "Thread pool of a POOLED queue.").unneeded(queueReason),
	row(scopeDisk, g2to4, "DiskLimitTypeName", tWord, "COUNT", "MaxKeySize is a COUNT of elements, or a SIZE in kB.").of("COUNT", "SIZE"),
	row(scopeDisk, gAll, "Name", tString, "", "Name of the auxiliary.").unneeded(setReason),
	row(scopeDisk, gAll, "CacheName", tString, "", "Name of the region.").unneeded(setReason),
	row(scopeIndexed, gAll, "MaxKeySize", tInt, "5000", "Elements on disk, for each region; the oldest go first. -1 is no limit."),
	row(scopeIndexed, gAll, "OptimizeAtRemoveCount", tInt, "-1", "Removals after which the file is packed; -1 leaves it to when half of it is free."),
	row(scopeIndexed, gAll, "OptimizeOnShutdown", tBool, "true", "Pack the file at the end, if a quarter of it is free."),
	row(scopeIndexed, gAll, "ClearDiskOnStartup", tBool, "false", "Start empty."),
	row(scopeIndexed, g13, "MaxRecycleBinSize", tInt, "5000", "Free slots remembered.").unneeded(storeReason),
	row(scopeBlock, gAll, "MaxKeySize", tInt, "5000", "Elements on disk, for each region; the oldest go first. -1 is no limit."),
	row(scopeBlock, g13to3, "BlockSizeBytes", tInt, "0", "Bytes of a block; 0 is 4096.").or(g4, "BlockSizeBytes", tInt, "4096").unneeded(storeReason),
	row(scopeBlock, g13to3, "KeyPersistenceIntervalSeconds", tSeconds, "300", "How often the keys are written.").or(g4, "KeyPersistenceInterval", tISO, "PT5M").unneeded(storeReason),
	mine(scopeDisk, "MaxDiskBytes", tSize, "1G", "Bytes of keys and values on disk, for each region; the oldest go first. The file may take three times that. 0 is no limit.").least(0),
	mine(scopeDisk, "Restore", tWord, "PROVEN", "What an earlier life left is taken at the start if no peer was linked when it ended, who might have removed something since (PROVEN), "+
		"in any case, by stamp (ALWAYS), or never. Of regions whose values do not travel to peers, but their removals do, never.").of("PROVEN", "ALWAYS", "NEVER"),
}

// otherDiskKeys: kinds of JCS that have no place here.
var otherDiskKeys = idle(otherDiskReason,
	row(scopeFile, g13, "MaxNumberOfFiles", tInt, "-1", "Elements on disk; -1 is no limit."),
	row(scopeFile, g13, "MaxRetriesOnDelete", tInt, "10", "Attempts to delete a file."),
	row(scopeFile, g13, "MaxRetriesOnTouch", tInt, "10", "Attempts to touch a file."),
	row(scopeFile, g13, "TouchOnGet", tBool, "false", "A get renews the file's time."),
	row(scopeJDBC, gAll, "UserName", tString, "", "Database user."),
	row(scopeJDBC, gAll, "Password", tString, "", "Its password.").hidden(),
	row(scopeJDBC, gAll, "Url", tString, "", "JDBC address."),
	row(scopeJDBC, gAll, "Database", tString, "", "Appended to Url."),
	row(scopeJDBC, gAll, "DriverClassName", tClass, "", "JDBC driver."),
	row(scopeJDBC, gAll, "TableName", tString, "JCS_STORE", "Table."),
	row(scopeJDBC, gAll, "TestBeforeInsert", tBool, "true", "Look before an insert."),
	row(scopeJDBC, g13, "MaxActive", tInt, "10", "Connections.").or(g2to4, "MaxTotal", tInt, "10"),
	row(scopeJDBC, gAll, "UseDiskShrinker", tBool, "true", "Delete expired rows periodically."),
	row(scopeJDBC, gAll, "ShrinkerIntervalSeconds", tSeconds, "300", "How often."),
	row(scopeJDBC, gAll, "ConnectionPoolName", tString, "", "Shared connection pool."),
	row(scopeJDBC, g2to4, "JndiPath", tString, "", "Data source by JNDI."),
	row(scopeJDBC, g2to4, "JndiTTL", tLong, "0", "How long the lookup is kept."),
	row(scopeMySQL, gAll, "OptimizationSchedule", tString, "", "Times of day for OPTIMIZE TABLE, HH:MM:SS,HH:MM:SS."),
	row(scopeMySQL, gAll, "BalkDuringOptimization", tBool, "true", "Refuse work meanwhile."),
)

const remoteReason = "Lateral's remote tier is a Valkey or Redis server (" + valkeyFactory + "), not the one of JCS: regions that name it go on without"

// valkeyFactory is what a remote tier is defined by. JCS, which does not know
// it, runs its regions without.
const valkeyFactory = "lateral.remote.ValkeyCacheFactory"

var valkeyMaker = maker{class: valkeyFactory, gens: gAll, kind: cache.RemoteTier, scopes: []scope{scopeValkey}}

// remoteKeys: JCS auxiliary.remote.RemoteCacheAttributes and RemoteHttpCacheAttributes.
var remoteKeys = idle(remoteReason,
	row(scopeRemote, g13, "RemoteHost", tString, "", "Host of the remote cache server."),
	row(scopeRemote, g13, "RemotePort", tPort, "0", "Port of its registry."),
	row(scopeRemote, gAll, "FailoverServers", tList, "", "Servers as host:port,host:port; the first is the primary."),
	row(scopeRemote, gAll, "RemoteServiceName", tString, "", "Name in the registry."),
	row(scopeRemote, gAll, "LocalPort", tPort, "0", "Port for calls back; 0 is any."),
	row(scopeRemote, gAll, "RemoteTypeName", tWord, "LOCAL", "LOCAL for a client, CLUSTER between servers.").of("LOCAL", "CLUSTER"),
	row(scopeRemote, gAll, "RemoveUponRemotePut", tBool, "true", "A put elsewhere removes here."),
	row(scopeRemote, gAll, "GetOnly", tBool, "false", "Never write."),
	row(scopeRemote, g13to3, "GetTimeoutMillis", tMillis, "-1", "How long a get may take; -1 for ever.").or(g4, "GetTimeout", tISO, "-1"),
	row(scopeRemote, gAll, "ThreadPoolName", tString, "remote_cache_client", "Thread pool of gets."),
	row(scopeRemote, gAll, "Receive", tBool, "true", "Hear of changes elsewhere."),
	row(scopeRemote, gAll, "LocalClusterConsistency", tBool, "false", "Pass changes of cluster servers to local clients."),
	row(scopeRemote, gAll, "ClusterServers", tList, "", "Other servers, host:port,host:port."),
	row(scopeRemote, g13to3, "RmiSocketFactoryTimeoutMillis", tMillis, "10000", "Timeout of sockets.").or(g4, "RmiSocketFactoryTimeout", tISO, "PT10S"),
	row(scopeRemote, gAll, "ZombieQueueMaxSize", tInt, "1000", "Changes kept while the server is down."),
	row(scopeHTTP, gAll, "Url", tString, "", "Address of the servlet."),
	row(scopeHTTP, gAll, "MaxConnectionsPerHost", tInt, "100", "Connections."),
	row(scopeHTTP, gAll, "SocketTimeoutMillis", tMillis, "3000", "Timeout of reads."),
	row(scopeHTTP, gAll, "ConnectionTimeoutMillis", tMillis, "5000", "Timeout of connecting."),
	row(scopeHTTP, gAll, "HttpVersion", tString, "1.1", "Version of HTTP."),
	row(scopeHTTP, gAll, "IncludeCacheNameAsParameter", tBool, "true", "Region in the address."),
	row(scopeHTTP, gAll, "IncludeKeysAndPatternsAsParameter", tBool, "true", "Keys in the address."),
	row(scopeHTTP, gAll, "IncludeRequestTypeasAsParameter", tBool, "true", "Kind of request in the address."),
	row(scopeHTTP, gAll, "RemoteHttpClientClassName", tClass, "", "Client class."),
)

const serializerReason = "values of Java peers pass through Lateral as they are"

// serializerKeys: JCS utils.serialization.EncryptingSerializer.
var serializerKeys = []*key{
	row(scopeSerializer, g3to4, "PreSharedKey", tString, "", "EncryptingSerializer needs it.").hidden(),
	row(scopeSerializer, g3to4, "AesCipherTransformation", tString, "AES/ECB/PKCS5Padding", "AES/GCM/NoPadding is the better one."),
}

func idle(reason string, list ...*key) []*key {
	for _, k := range list {
		k.idle = reason
	}
	return list
}

// valkeyKeys: those of JCS's auxiliary.remote.RemoteCacheAttributes that mean something, then Lateral's own.
var valkeyKeys = []*key{
	row(scopeValkey, gAll, "FailoverServers", tList, "", "The server as host:port; some nodes of a Cluster; or, with MasterName, the Sentinels. The auxiliary is jcs.auxiliary.VC="+valkeyFactory+", and needs no class of attributes.").shown("127.0.0.1:6379"),
	row(scopeValkey, gAll, "GetOnly", tBool, "false", "Never write."),
	row(scopeValkey, g13to3, "GetTimeoutMillis", tMillis, "1000", "How long a get waits for the server.").or(g4, "GetTimeout", tISO, "PT1S"),
	row(scopeValkey, gAll, "ZombieQueueMaxSize", tInt, "50000", "Elements of a region that may wait to be written. Beyond it values are left out, and counted; removals are not."),
	mine(scopeValkey, "MasterName", tString, "", "The name under which the Sentinels know the server.").shown("mymaster"),
	mine(scopeValkey, "WriteThrough", tBool, "false", "A write returns when the server has it, or says that it has not; else it is written behind."),
	mine(scopeValkey, "UserName", tString, "", "ACL user; empty is the default one.").shown("lateral"),
	mine(scopeValkey, "PasswordFile", tString, "", "File whose first line is the password, for nobody else to read; it is read at every connection. A relative path starts at this file's directory.").shown("/etc/lateral/valkey.password"),
	mine(scopeValkey, "SentinelPasswordFile", tString, "", "Likewise, for the Sentinels.").shown("/etc/lateral/sentinel.password"),
	mine(scopeValkey, "UseTLS", tBool, "false", "Connect with TLS. CAFile, CertFile or KeyFile imply it."),
	mine(scopeValkey, "CAFile", tString, "", "The authority (PEM) that signs the server's certificate; empty are those of the system.").shown("/etc/lateral/valkey-ca.pem"),
	mine(scopeValkey, "CertFile", tString, "", "Certificate (PEM) that proves this node; with KeyFile.").shown("/etc/lateral/valkey.pem"),
	mine(scopeValkey, "KeyFile", tString, "", "Its private key (PEM), for nobody else to read.").shown("/etc/lateral/valkey.key"),
	mine(scopeValkey, "Database", tInt, "0", "Number of the database; a Cluster has 0 alone. Invalidations tell of keys, not of databases: use another KeyPrefix rather."),
	mine(scopeValkey, "KeyPrefix", tString, "lateral", "What all keys on the server start with. Nodes that are to share elements have the same."),
	mine(scopeValkey, "MaxValueBytes", tSize, "8M", "A larger value is not written.").least(0),
	mine(scopeValkey, "MaxQueuedBytes", tSize, "64M", "Bytes of keys and values of a region that may wait to be written.").least(64 << 10),
	mine(scopeValkey, "HeartbeatInterval", tTime, "1s", "How often the server is asked for a sign of life.").least(10),
	mine(scopeValkey, "LinkTimeout", tTime, "5s", "A server that gives none for that long is down: see WhenLinkDown.").least(20),
	mine(scopeValkey, "DrainTimeout", tTime, "5s", "How long a node that stops waits, at most, for what is still to be written.").least(0),
}

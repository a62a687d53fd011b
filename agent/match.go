package agent

import (
	"fmt"
	"slices"
	"strings"

	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

// pairing is a NIC with the ENI it belongs to.
type pairing struct {
	nic   nic.NIC
	eni   ENI // zero unless knowledge is plan.ENIMatched
	knows plan.ENIKnowledge
}

// match brings NICs and ENIs together by hardware address. known tells whether
// the ENIs of the instance are known at all; without that no NIC is called
// unknown and no ENI missing.
func match(nics []nic.NIC, enis []ENI, known bool) (pairs []pairing, missing []Unmatched, problems []Problem) {
	byMAC := map[string][]ENI{}
	for _, e := range enis {
		if e.MAC != "" {
			byMAC[e.MAC] = append(byMAC[e.MAC], e)
		}
	}
	claims := claimants(nics)
	for _, n := range nics {
		p := pairing{nic: n, knows: plan.ENIUndetermined}
		found := byMAC[n.ID()]
		switch {
		case !known:
		case len(found) == 0, !slices.Contains(claims[n.ID()], n.Index):
			p.knows = plan.ENIUnknown
		case len(found) > 1 || len(claims[n.ID()]) > 1:
			p.knows = plan.ENIAmbiguous
		default:
			p.knows, p.eni = plan.ENIMatched, found[0]
		}
		pairs = append(pairs, p)
	}
	if !known {
		return pairs, nil, nil
	}
	return pairs, missingNICs(enis, claims), duplicates(nics, byMAC, claims)
}

// claimants gives for each hardware address the interface indexes of the NICs
// that have it. A permanent address outdoes a current one, and the member of a
// failover device outdoes its master, which copies the member's address.
func claimants(nics []nic.NIC) map[string][]int {
	byMAC := map[string][]nic.NIC{}
	for _, n := range nics {
		if id := n.ID(); id != "" {
			byMAC[id] = append(byMAC[id], n)
		}
	}
	claims := map[string][]int{}
	for mac, list := range byMAC {
		permanent := slices.ContainsFunc(list, func(n nic.NIC) bool { return n.PermMAC != "" })
		for _, n := range list {
			isMaster := slices.ContainsFunc(list, func(m nic.NIC) bool { return m.Master == n.Index })
			if !isMaster && (!permanent || n.PermMAC != "") {
				claims[mac] = append(claims[mac], n.Index)
			}
		}
	}
	return claims
}

// missingNICs lists the ENIs that no NIC has the address of. A trunk's member
// ENIs have no NIC of their own: they are VLANs on the trunk's.
func missingNICs(enis []ENI, claims map[string][]int) []Unmatched {
	var missing []Unmatched
	for _, e := range enis {
		if len(claims[e.MAC]) > 0 && e.MAC != "" {
			continue
		}
		u := Unmatched{ENI: e.ID, MAC: e.MAC, Reason: NICMissing}
		switch {
		case e.Type == "Member":
			u.Reason = TrunkMember
		case e.Status != "" && e.Status != "InUse":
			u.Reason = NotInUse
		}
		missing = append(missing, u)
	}
	return missing
}

// duplicates tells of addresses that do not lead from one NIC to one ENI.
func duplicates(nics []nic.NIC, byMAC map[string][]ENI, claims map[string][]int) []Problem {
	var problems []Problem
	for mac, enis := range byMAC {
		var devices, ids []string
		for _, n := range nics {
			if slices.Contains(claims[mac], n.Index) {
				devices = append(devices, n.Name)
			}
		}
		for _, e := range enis {
			ids = append(ids, e.ID)
		}
		if len(devices) > 1 || len(enis) > 1 && len(devices) > 0 {
			problems = append(problems, Problem{Component: ComponentKernel, Class: ClassDuplicate, Message: fmt.Sprintf(
				"address %s: NICs %s and ENIs %s share it, so it cannot be told which belong together; left alone until only one has it",
				mac, strings.Join(devices, ", "), strings.Join(ids, ", "))})
		}
	}
	slices.SortFunc(problems, func(a, b Problem) int { return strings.Compare(a.Message, b.Message) })
	return problems
}

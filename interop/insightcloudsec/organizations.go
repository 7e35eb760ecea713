// Lists the organisations with their figures: the key in a header, an empty object as the body of a GET, as the vendor's
// documentation shows it. Prints one line for each.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
)

type organization struct {
	Name       string `json:"name"`
	ResourceID string `json:"resource_id"`
	ID         int    `json:"organization_id"`
	Status     string `json:"status"`
	SMTP       bool   `json:"smtp_configured"`
	Clouds     int    `json:"clouds"`
	Bots       int    `json:"bots"`
	Users      int    `json:"users"`
}

func main() {
	request, err := http.NewRequest("GET", os.Getenv("URL"), strings.NewReader("{}"))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Api-Key", os.Getenv("KEY"))
	request.Header.Set("Content-Type", "application/json;charset=UTF-8")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		log.Fatal(answer.Status)
	}
	var told struct {
		Organizations []organization `json:"organizations"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&told); err != nil {
		log.Fatal(err)
	}
	for _, one := range told.Organizations {
		fmt.Printf("%d %s %s clouds=%d bots=%d users=%d\n", one.ID, one.ResourceID, one.Status, one.Clouds, one.Bots, one.Users)
	}
}
